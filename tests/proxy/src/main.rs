//! A TCP proxy that fails on command, for the tests of what stands behind the gateway.
//!
//! `stowgate-fault-proxy HOST:PORT [HEADER]` listens on a free loopback port, says
//! `listening PORT`, and forwards to the target. Commands come as lines on standard input, each
//! answered by lines that end with `ok` or `error …`; it ends with its input. Of each request it
//! remembers HEADER's value.
//!
//! | command | from then on |
//! | --- | --- |
//! | `pass` | everything is forwarded |
//! | `refuse` | connections are refused, those that are open are reset |
//! | `reset` | connections are accepted and reset |
//! | `blackhole` | connections are accepted, and nothing moves on any of them |
//! | `delay MS` | every request waits so long |
//! | `throttle N` | at most so many bytes a second move on each connection, in each direction |
//! | `cut up N`, `cut down N` | a connection is reset after so many bytes of a request or of its answer |
//! | `answer STATUS CODE` | requests get this S3 error |
//!
//! With `method=M`, `path=PART` or `times=K` behind it a fault meets only such requests, or so
//! many; none of the three goes with `refuse`. `target HOST:PORT` changes where new connections
//! go, `counts` prints what came so far, `requests` lists it, and `forget` starts both anew.
//!
//! A connection that begins as TLS does is forwarded as it is: `method`, `path` and `answer` say
//! nothing to it.

mod fault;
mod head;
mod listen;
mod record;
mod relay;

use std::io::{Error, Result};
use std::sync::Arc;

use fault::Fault;
use record::Record;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Stdout};
use tokio::sync::watch;

/// What the connections share.
struct Shared {
    fault: watch::Sender<Arc<Fault>>,
    target: watch::Sender<String>,
    record: Record,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().ok_or_else(|| Error::other("HOST:PORT is missing"))?;
    let shared = Arc::new(Shared {
        fault: watch::Sender::new(Arc::new(Fault::pass())),
        target: watch::Sender::new(target),
        record: Record::new(arguments.next()),
    });
    let port = listen::Port::take()?;
    let number = port.number()?;
    tokio::spawn(listen::listen(port, shared.clone()));
    let first = shared.fault.borrow().clone();
    first.in_force().await;
    let mut out = tokio::io::stdout();
    say(&mut out, &format!("listening {number}")).await?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        match obey(&shared, line.trim()).await {
            Ok(text) => say(&mut out, &format!("{text}ok")).await?,
            Err(fault) => say(&mut out, &format!("error {fault}")).await?,
        }
    }
    Ok(())
}

/// Carries out one command; what it has to say comes as whole lines.
async fn obey(shared: &Shared, line: &str) -> std::result::Result<String, String> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("counts", "") => Ok(shared.record.counts()),
        ("requests", "") => Ok(shared.record.lines()),
        ("forget", "") => {
            shared.record.forget();
            Ok(String::new())
        }
        ("target", target) if !target.is_empty() => {
            shared.target.send_replace(target.to_owned());
            Ok(String::new())
        }
        _ => {
            let fault = Arc::new(line.parse::<Fault>()?);
            shared.fault.send_replace(fault.clone());
            fault.in_force().await;
            Ok(String::new())
        }
    }
}

async fn say(out: &mut Stdout, line: &str) -> Result<()> {
    out.write_all(format!("{line}\n").as_bytes()).await?;
    out.flush().await
}
