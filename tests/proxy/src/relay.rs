//! One connection: requests up, answers down, and the faults between them.

use std::io::{Error, Result};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use crate::Shared;
use crate::fault::{Fault, Kind};
use crate::head::{Framing, Head, Incoming, Next, position};
use crate::record::Entry;

const PIECE: usize = 64 * 1024;
/// How long a client is listened to after its answer, at most.
const LINGER: Duration = Duration::from_secs(5);

/// A connection's own state.
struct Connection {
    shared: Arc<Shared>,
    /// The fault that met the request under way, where it doesn't meet all.
    met: AtomicU64,
    up: Meter,
    down: Meter,
    /// The request whose answer is awaited.
    open: Mutex<Option<Entry>>,
    /// Whether the target answers nothing more.
    over: AtomicBool,
}

/// Bytes of one direction since the request began, or since the fault did.
#[derive(Default)]
struct Meter(Mutex<(u64, u64)>);

impl Meter {
    fn begin(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = 0;
    }

    /// How many more may pass before `limit` is reached.
    fn left(&self, fault: u64, limit: u64) -> u64 {
        let mut meter = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if meter.0 != fault {
            *meter = (fault, 0);
        }
        limit.saturating_sub(meter.1)
    }

    fn count(&self, bytes: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 += bytes as u64;
    }
}

enum Direction {
    Up,
    Down,
}

/// Forwards a connection until it ends or a fault ends it.
pub(crate) async fn serve(mut client: TcpStream, shared: Arc<Shared>) {
    let _ = client.set_nodelay(true);
    let mut fault = shared.fault.subscribe();
    let ended = tokio::select! {
        ended = forward(&mut client, &shared) => ended,
        () = broken(&mut fault) => Err(Error::other("ended by a fault")),
    };
    if ended.is_err() {
        let _ = client.set_zero_linger();
    }
}

/// Waits for what ends every connection: a reset or a refusal, and the end of a black hole, whose
/// connections nobody remembers.
async fn broken(fault: &mut watch::Receiver<Arc<Fault>>) {
    loop {
        let now = fault.borrow_and_update().clone();
        if now.meets_all() && matches!(now.kind, Kind::Reset | Kind::Refuse) {
            return;
        }
        if fault.changed().await.is_err() || (now.meets_all() && now.kind == Kind::Blackhole) {
            return;
        }
    }
}

async fn forward(client: &mut TcpStream, shared: &Arc<Shared>) -> Result<()> {
    let connection = Connection {
        shared: shared.clone(),
        met: AtomicU64::new(0),
        up: Meter::default(),
        down: Meter::default(),
        open: Mutex::default(),
        over: AtomicBool::new(false),
    };
    connection.open_gate().await?;
    let address = shared.target.borrow().clone();
    let mut target = TcpStream::connect(address).await?;
    target.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_target, to_target) = target.split();
    let to_client = tokio::sync::Mutex::new(to_client);
    let mut from_client = Incoming::new(from_client);
    let ended = {
        let down = connection.answers(from_target, &to_client);
        let up = connection.requests(&mut from_client, to_target, &to_client);
        tokio::pin!(up, down);
        tokio::select! {
            ended = &mut up => match ended? {
                Ended::Client => return down.await,
                Ended::Answered => Ended::Answered,
            },
            ended = &mut down => {
                ended?;
                connection.over.store(true, Ordering::Relaxed);
                // The target may have answered early, and still take what the client sends.
                match tokio::time::timeout(LINGER, up).await {
                    Ok(Err(error)) if is_of_socket(&error) => Ended::Answered,
                    Ok(ended) => ended?,
                    Err(_) => return Ok(()),
                }
            }
        }
    };
    if matches!(ended, Ended::Answered) {
        discard(&mut from_client).await;
    }
    Ok(())
}

/// Whether the error came from a connection, and not from a fault.
fn is_of_socket(error: &Error) -> bool {
    error.raw_os_error().is_some()
}

enum Ended {
    /// The client has nothing more to say; answers may still come.
    Client,
    /// The client has its last answer, and may still be sending.
    Answered,
}

impl Connection {
    /// The fault that meets what is under way.
    fn fault(&self) -> Arc<Fault> {
        let now = self.shared.fault.borrow().clone();
        if now.meets_all() || self.met.load(Ordering::Relaxed) == now.id {
            return now;
        }
        Arc::new(Fault::pass())
    }

    /// Waits while nothing may move; fails when that ends.
    async fn open_gate(&self) -> Result<()> {
        if self.fault().kind != Kind::Blackhole {
            return Ok(());
        }
        let mut fault = self.shared.fault.subscribe();
        let _ = fault.changed().await;
        Err(Error::other("forgotten in a black hole"))
    }

    async fn requests(
        &self,
        client: &mut Incoming<ReadHalf<'_>>,
        mut target: WriteHalf<'_>,
        to_client: &tokio::sync::Mutex<WriteHalf<'_>>,
    ) -> Result<Ended> {
        loop {
            let (head, bytes) = match client.next().await? {
                // Too late: it comes to nobody.
                Next::Request(..) if self.over.load(Ordering::Relaxed) => return Ok(Ended::Client),
                Next::Request(head, bytes) => (head, bytes),
                Next::Opaque(bytes) => {
                    self.opaque(bytes, client, &mut target).await?;
                    return Ok(Ended::Client);
                }
                Next::End => {
                    target.shutdown().await?;
                    return Ok(Ended::Client);
                }
            };
            let entry = self.begin(&head);
            match &self.fault().kind {
                Kind::Reset => return Err(Error::other("reset")),
                Kind::Delay(time) => tokio::time::sleep(*time).await,
                Kind::Answer(status, code) => {
                    let mut to_client = to_client.lock().await;
                    answer(&mut to_client, &head, *status, code).await?;
                    return Ok(Ended::Answered);
                }
                _ => {}
            }
            self.send(&mut target, bytes, &Direction::Up).await?;
            match head.framing {
                Framing::Length(length) => self.body(client, &mut target, length).await?,
                Framing::Chunked => self.chunks(client, &mut target).await?,
            }
            self.shared.record.whole(entry);
        }
    }

    /// Notes a new request, and whether the fault of the hour meets it.
    fn begin(&self, head: &Head) -> Entry {
        let entry = self.shared.record.request(head);
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry);
        let now = self.shared.fault.borrow().clone();
        let met = !now.meets_all() && now.meets(head);
        self.met.store(if met { now.id } else { 0 }, Ordering::Relaxed);
        self.up.begin();
        self.down.begin();
        entry
    }

    /// Forwards what is no HTTP, up to its end.
    async fn opaque(
        &self,
        mut bytes: Vec<u8>,
        client: &mut Incoming<ReadHalf<'_>>,
        target: &mut WriteHalf<'_>,
    ) -> Result<()> {
        while !bytes.is_empty() {
            self.send(target, bytes, &Direction::Up).await?;
            bytes = client.some(PIECE).await?;
        }
        target.shutdown().await
    }

    async fn body(
        &self,
        client: &mut Incoming<ReadHalf<'_>>,
        target: &mut WriteHalf<'_>,
        mut left: u64,
    ) -> Result<()> {
        while left > 0 {
            let piece = client.some(usize::try_from(left).unwrap_or(PIECE).min(PIECE)).await?;
            if piece.is_empty() {
                return Err(Error::other("a body without its end"));
            }
            left -= piece.len() as u64;
            self.send(target, piece, &Direction::Up).await?;
        }
        Ok(())
    }

    async fn chunks(
        &self,
        client: &mut Incoming<ReadHalf<'_>>,
        target: &mut WriteHalf<'_>,
    ) -> Result<()> {
        loop {
            let line = client.line().await?;
            let text = String::from_utf8_lossy(&line).into_owned();
            let size = u64::from_str_radix(text.split(';').next().unwrap_or("").trim(), 16)
                .map_err(|_| Error::other("a chunk without a size"))?;
            self.send(target, line, &Direction::Up).await?;
            if size > 0 {
                self.body(client, target, size + 2).await?;
                continue;
            }
            loop {
                let line = client.line().await?;
                let last = line == b"\r\n";
                self.send(target, line, &Direction::Up).await?;
                if last {
                    return Ok(());
                }
            }
        }
    }

    async fn answers(
        &self,
        mut target: ReadHalf<'_>,
        to_client: &tokio::sync::Mutex<WriteHalf<'_>>,
    ) -> Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            let length = target.read(&mut piece).await?;
            let mut client = to_client.lock().await;
            if length == 0 {
                return client.shutdown().await;
            }
            let bytes = piece.get(..length).unwrap_or_default();
            self.note_status(bytes);
            self.send(&mut client, bytes.to_vec(), &Direction::Down).await?;
        }
    }

    /// Reads the status out of an answer's first bytes, passing over interim ones.
    fn note_status(&self, mut bytes: &[u8]) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = *open else { return };
        while bytes.starts_with(b"HTTP/1.") {
            let text = String::from_utf8_lossy(bytes.get(9..12).unwrap_or_default()).into_owned();
            let Ok(status) = text.parse::<u16>() else { return };
            if status >= 200 {
                self.shared.record.status(entry, status);
                *open = None;
                return;
            }
            let end = position(bytes, b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
            bytes = bytes.get(end..).unwrap_or_default();
        }
    }

    /// Sends as the fault of the hour lets it.
    async fn send(
        &self,
        to: &mut WriteHalf<'_>,
        mut bytes: Vec<u8>,
        direction: &Direction,
    ) -> Result<()> {
        while !bytes.is_empty() {
            self.open_gate().await?;
            let fault = self.fault();
            let meter = if matches!(direction, Direction::Up) { &self.up } else { &self.down };
            let (most, pause) = match (&fault.kind, direction) {
                (Kind::Throttle(rate), _) => {
                    let most = (rate / 20).max(1);
                    let length = most.min(bytes.len() as u64);
                    (most, Duration::from_micros(length * 1_000_000 / rate))
                }
                (Kind::CutUp(limit), Direction::Up) | (Kind::CutDown(limit), Direction::Down) => {
                    match meter.left(fault.id, *limit) {
                        0 => return Err(Error::other("cut")),
                        left => (left, Duration::ZERO),
                    }
                }
                _ => (u64::MAX, Duration::ZERO),
            };
            let length = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
            let rest = bytes.split_off(length);
            to.write_all(&bytes).await?;
            meter.count(length);
            bytes = rest;
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
        Ok(())
    }
}

/// An S3 error in place of the target's answer; it ends the connection.
async fn answer(client: &mut WriteHalf<'_>, head: &Head, status: u16, code: &str) -> Result<()> {
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>The proxy says so.</Message><RequestId>FAULT</RequestId></Error>"
    );
    let body = if head.method == "HEAD" { "" } else { &document };
    let text = format!(
        "HTTP/1.1 {status} Fault\r\ncontent-type: application/xml\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        document.len()
    );
    client.write_all(text.as_bytes()).await?;
    client.shutdown().await
}

/// Reads what a client still sends, so that closing doesn't destroy the answer on its way.
async fn discard(client: &mut Incoming<ReadHalf<'_>>) {
    let drain = async { while client.some(PIECE).await.is_ok_and(|piece| !piece.is_empty()) {} };
    let _ = tokio::time::timeout(LINGER, drain).await;
}
