//! The benchmark: PUT, GET and LIST against one or more endpoints in one run. By hand only:
//! `benches/README.md` says how.

#![allow(clippy::print_stdout, reason = "it prints its findings")]

mod client;
mod listing;
mod measure;
mod options;
mod signing;
mod transfer;

use std::error::Error;

use measure::Row;
use options::Options;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Sizes of objects, with how many of them a reading case spreads over.
const SIZES: [(&str, usize, usize); 3] =
    [("4 KiB", 4 * KIB, 1000), ("1 MiB", MIB, 100), ("64 MiB", 64 * MIB, 4)];
const CONNECTIONS: [usize; 3] = [1, 16, 64];

fn main() -> Result<()> {
    // `cargo bench` adds this of its own accord.
    let words = std::env::args().skip(1).filter(|word| word != "--bench");
    let Some(options) = Options::parse(words)? else {
        println!("{}", options::USAGE);
        return Ok(());
    };
    // One thread, so that the client never takes more than one core from the server.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let rows = runtime.block_on(run(&options))?;
    measure::ratios(&rows, &options.endpoints);
    Ok(())
}

async fn run(options: &Options) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    measure::heading();
    for endpoint in &options.endpoints {
        endpoint.bucket("bench-objects").await?;
    }
    for (label, size, spread) in SIZES {
        for connections in CONNECTIONS {
            // The endpoints take turns case by case, so that whatever else the machine does
            // weighs on each of them alike.
            for endpoint in &options.endpoints {
                if options.wants("put") {
                    let case = transfer::Case { label, size, spread, connections };
                    let row = transfer::put(endpoint, &case, options.seconds).await?;
                    rows.push(row.print());
                }
            }
            for endpoint in &options.endpoints {
                if options.wants("get") {
                    let case = transfer::Case { label, size, spread, connections };
                    let row = transfer::get(endpoint, &case, options.seconds).await?;
                    rows.push(row.print());
                }
            }
        }
    }
    if options.wants("list") {
        for endpoint in &options.endpoints {
            rows.extend(listing::run(endpoint, options.keys).await?);
        }
    }
    Ok(rows)
}
