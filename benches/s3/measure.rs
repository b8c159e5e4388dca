//! Rates, latencies and CPU time of one case, and how endpoints compare.

use std::time::{Duration, Instant};

use crate::Result;
use crate::client::Endpoint;

/// Clock ticks a second in /proc; Linux has had 100 on every system for decades.
const TICK: Duration = Duration::from_millis(10);

/// What one case came to at one endpoint.
pub struct Row {
    pub case: String,
    pub endpoint: String,
    pub rate: f64,
    bytes_per_second: f64,
    p50: Duration,
    p99: Duration,
    cpu_per_operation: Duration,
    /// Nanoseconds of the server's CPU time for each byte of content.
    pub cpu_per_byte: f64,
}

/// A case under way.
pub struct Watch<'a> {
    endpoint: &'a Endpoint,
    began: Instant,
    cpu: Duration,
}

impl<'a> Watch<'a> {
    pub fn start(endpoint: &'a Endpoint) -> Result<Self> {
        let cpu = cpu_time(endpoint.process)?;
        Ok(Self { endpoint, began: Instant::now(), cpu })
    }

    #[allow(clippy::cast_precision_loss, reason = "figures to be read")]
    pub fn stop(self, case: String, mut latencies: Vec<Duration>, bytes: u64) -> Result<Row> {
        let took = self.began.elapsed().as_secs_f64();
        let cpu = cpu_time(self.endpoint.process)?.saturating_sub(self.cpu);
        latencies.sort_unstable();
        let quantile = |part: usize| {
            let at = (latencies.len() * part / 100).min(latencies.len().saturating_sub(1));
            latencies.get(at).copied().unwrap_or_default()
        };
        let count = u32::try_from(latencies.len().max(1))?;
        Ok(Row {
            case,
            endpoint: self.endpoint.name.clone(),
            rate: f64::from(count) / took,
            bytes_per_second: bytes as f64 / took,
            p50: quantile(50),
            p99: quantile(99),
            cpu_per_operation: cpu / count,
            cpu_per_byte: cpu.as_secs_f64() * 1e9 / (bytes.max(1) as f64),
        })
    }
}

/// User and system time of a process, from the fields that follow its name in parentheses.
fn cpu_time(process: u32) -> Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields = text.rsplit_once(')').ok_or("no stat line")?.1;
    let ticks: u32 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u32>)
        .sum::<std::result::Result<u32, _>>()?;
    Ok(TICK * ticks)
}

pub fn heading() {
    println!(
        "{:<34} {:>10} {:>10} {:>10} {:>9} {:>9} {:>10} {:>9}",
        "case", "endpoint", "ops/s", "MiB/s", "p50 ms", "p99 ms", "cpu us/op", "cpu ns/B"
    );
}

impl Row {
    pub fn print(self) -> Self {
        println!(
            "{:<34} {:>10} {:>10.1} {:>10.1} {:>9.2} {:>9.2} {:>10.1} {:>9.3}",
            self.case,
            self.endpoint,
            self.rate,
            self.bytes_per_second / 1_048_576.0,
            self.p50.as_secs_f64() * 1e3,
            self.p99.as_secs_f64() * 1e3,
            self.cpu_per_operation.as_secs_f64() * 1e6,
            self.cpu_per_byte,
        );
        self
    }
}

/// Prints what is comparable: the endpoints with each other, and many connections with one.
pub fn ratios(rows: &[Row], endpoints: &[Endpoint]) {
    let find = |case: &str, endpoint: &str| {
        rows.iter().find(|row| row.case == case && row.endpoint == endpoint)
    };
    println!("\nratios");
    for endpoint in endpoints {
        for row in rows.iter().filter(|row| row.endpoint == endpoint.name) {
            let Some(alone) = row.case.strip_suffix(" x 16").map(|case| format!("{case} x 1"))
            else {
                continue;
            };
            if let Some(alone) = find(&alone, &row.endpoint) {
                println!(
                    "{:<34} {:>10}: {:.2} times the rate of one",
                    row.case,
                    row.endpoint,
                    row.rate / alone.rate
                );
            }
        }
    }
    let [first, others @ ..] = endpoints else { return };
    for other in others {
        for row in rows.iter().filter(|row| row.endpoint == first.name) {
            if let Some(peer) = find(&row.case, &other.name) {
                println!(
                    "{:<34} {} to {}: rate {:.2}, CPU per byte {:.2}",
                    row.case,
                    first.name,
                    other.name,
                    row.rate / peer.rate,
                    row.cpu_per_byte / peer.cpu_per_byte,
                );
            }
        }
    }
}
