//! PUT and GET of objects of one size over a number of connections.

use std::cell::Cell;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use crate::Result;
use crate::client::Endpoint;
use crate::measure::{Row, Watch};

/// One case.
pub struct Case {
    pub label: &'static str,
    pub size: usize,
    /// How many objects there are to read and to overwrite.
    pub spread: usize,
    pub connections: usize,
}

impl Case {
    fn path(&self, number: usize) -> String {
        format!("/bench-objects/{}/{:06}", self.size, number % self.spread)
    }

    fn named(&self, verb: &str) -> String {
        format!("{verb} {} x {}", self.label, self.connections)
    }
}

/// Content that no layer below can make smaller.
fn content(size: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}

pub async fn put(endpoint: &Endpoint, case: &Case, seconds: Duration) -> Result<Row> {
    let body = content(case.size);
    drive(endpoint, case, "PUT", seconds, &body).await
}

pub async fn get(endpoint: &Endpoint, case: &Case, seconds: Duration) -> Result<Row> {
    let body = content(case.size);
    let mut connection = endpoint.connect().await?;
    // What is read was written just now, and so lies in the page cache.
    for number in 0..case.spread {
        connection.expect("PUT", &case.path(number), "", &body).await?;
    }
    drive(endpoint, case, "GET", seconds, &[]).await
}

/// Runs one request after another on each connection until the time is over.
async fn drive(
    endpoint: &Endpoint,
    case: &Case,
    verb: &str,
    seconds: Duration,
    body: &[u8],
) -> Result<Row> {
    let next = Cell::new(0);
    let mut connections = Vec::new();
    for _ in 0..case.connections {
        connections.push(endpoint.connect().await?);
    }
    let watch = Watch::start(endpoint)?;
    let end = Instant::now() + seconds;
    let runs = connections.into_iter().map(|mut connection| {
        let next = &next;
        async move {
            let mut latencies = Vec::new();
            while latencies.is_empty() || Instant::now() < end {
                let number = next.replace(next.get() + 1);
                let began = Instant::now();
                connection.expect(verb, &case.path(number), "", body).await?;
                latencies.push(began.elapsed());
            }
            Result::Ok(latencies)
        }
    });
    let latencies = try_join_all(runs).await?.concat();
    let bytes = u64::try_from(latencies.len() * case.size)?;
    watch.stop(case.named(verb), latencies, bytes)
}
