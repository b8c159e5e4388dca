//! LIST of a page in a bucket of very many keys, with and without a delimiter.

use std::cell::Cell;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use crate::Result;
use crate::client::Endpoint;
use crate::measure::{Row, Watch};

const BUCKET: &str = "bench-listing";
const WRITERS: usize = 64;
const COMPANIES: u32 = 200;
const PAGES: u32 = 200;

/// The layout of an application that keeps attachments by company and date.
fn key(number: u32) -> String {
    let company = number % COMPANIES;
    let day = number / COMPANIES % 28 + 1;
    format!("attachments/invoice/company_{company:03}/2025-01-{day:02}/{number:07}_receipt.pdf")
}

pub async fn run(endpoint: &Endpoint, keys: u32) -> Result<Vec<Row>> {
    fill(endpoint, keys).await?;
    let deep = "attachments%2Finvoice%2F";
    let company = "attachments%2Finvoice%2Fcompany_007%2F";
    let cases = [
        ("LIST 1000 keys", String::new()),
        ("LIST root by delimiter", "&delimiter=%2F".to_owned()),
        ("LIST 200 prefixes over all keys", format!("&delimiter=%2F&prefix={deep}")),
        ("LIST days of one company", format!("&delimiter=%2F&prefix={company}")),
    ];
    let mut rows = Vec::new();
    for (name, extra) in cases {
        rows.push(pages(endpoint, keys, name, &extra).await?.print());
    }
    Ok(rows)
}

async fn fill(endpoint: &Endpoint, keys: u32) -> Result<()> {
    endpoint.bucket(BUCKET).await?;
    let last = format!("/{BUCKET}/{}", key(keys - 1));
    if endpoint.connect().await?.request("HEAD", &last, "", &[]).await?.status == 200 {
        return Ok(());
    }
    let began = Instant::now();
    let next = Cell::new(0);
    let writers = (0..WRITERS).map(|_| async {
        let mut connection = endpoint.connect().await?;
        loop {
            let number = next.replace(next.get() + 1);
            if number >= keys {
                return Result::Ok(());
            }
            connection.expect("PUT", &format!("/{BUCKET}/{}", key(number)), "", b"x").await?;
        }
    });
    try_join_all(writers).await?;
    println!("{}: {keys} keys written in {:.0} s", endpoint.name, began.elapsed().as_secs_f64());
    Ok(())
}

/// Lists pages one after another, each from another place where the case has no prefix.
async fn pages(endpoint: &Endpoint, keys: u32, name: &str, extra: &str) -> Result<Row> {
    let mut connection = endpoint.connect().await?;
    let mut latencies: Vec<Duration> = Vec::new();
    let mut bytes = 0;
    let watch = Watch::start(endpoint)?;
    for page in 0..PAGES {
        // Canonical order: delimiter, list-type, prefix, start-after.
        let (delimiter, prefix) = match extra.split_once("&prefix=") {
            Some((delimiter, prefix)) => (delimiter, format!("&prefix={prefix}")),
            None => (extra, String::new()),
        };
        let after = if extra.is_empty() {
            let number = page.wrapping_mul(2_654_435_761) % keys;
            format!("&start-after={}", key(number).replace('/', "%2F"))
        } else {
            String::new()
        };
        let query = format!("{delimiter}&list-type=2{prefix}{after}");
        let began = Instant::now();
        let answer = connection
            .expect("GET", &format!("/{BUCKET}"), query.trim_start_matches('&'), &[])
            .await?;
        latencies.push(began.elapsed());
        bytes += u64::try_from(answer.length)?;
    }
    watch.stop(name.to_owned(), latencies, bytes)
}
