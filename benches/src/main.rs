//! Measures S3 endpoints from outside, side by side in one run. Method: `README.md` beside this.

mod connection;
mod process;
mod sign;

use std::io::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use connection::{Body, Connection};
use sign::Signer;

const SIZES: [(&str, u64); 3] = [("4 KiB", 4 << 10), ("1 MiB", 1 << 20), ("64 MiB", 64 << 20)];
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// Under a mixed load: the default of `warp mixed`, 45 GET to 15 PUT.
const GETS_PER_PUT: f64 = 3.0;

/// Benchmarks S3 endpoints side by side.
#[derive(Parser)]
struct Arguments {
    /// An endpoint as NAME=HOST:PORT[@PID]; the first one is what the others are compared with.
    #[arg(long = "endpoint", required = true)]
    endpoints: Vec<String>,
    /// The access key, the same for all endpoints.
    #[arg(long, default_value = "stowgate")]
    access_key: String,
    /// The secret key.
    #[arg(long, default_value = "stowgate-secret")]
    secret_key: String,
    /// How long each case runs on each endpoint in each round, in seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How many rounds; endpoints take turns within a round, and medians are shown.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Keys in the bucket that is listed; 0 leaves the listing out.
    #[arg(long, default_value_t = 0)]
    list_keys: u64,
    /// Leaves PUT and GET out.
    #[arg(long)]
    only_list: bool,
    /// Only sizes up to this many bytes.
    #[arg(long, default_value_t = u64::MAX)]
    largest: u64,
    /// Only sizes of at least this many bytes.
    #[arg(long, default_value_t = 0)]
    smallest: u64,
}

#[derive(Clone)]
struct Endpoint {
    name: String,
    host: String,
    pid: Option<u32>,
    signer: Arc<Signer>,
}

/// What one run of a case on one endpoint came to.
#[derive(Clone, Copy, Default)]
struct Sample {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_ns_per_byte: f64,
    cpu_us_per_operation: f64,
    peak_mib: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Verb {
    Put,
    Get,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let endpoints: Vec<Endpoint> =
        arguments.endpoints.iter().map(|e| endpoint(e, &arguments)).collect();
    for endpoint in &endpoints {
        let mut connection = Connection::open(&endpoint.host, endpoint.signer.clone()).await?;
        connection.request("PUT", "/bench", "", Body::NONE, false).await?;
    }
    if !arguments.only_list {
        let sizes = arguments.smallest..=arguments.largest;
        for (label, size) in SIZES.into_iter().filter(|(_, size)| sizes.contains(size)) {
            let [mut puts, mut gets] = [Vec::new(), Vec::new()];
            for (verb, cases) in [(Verb::Put, &mut puts), (Verb::Get, &mut gets)] {
                for connections in CONNECTIONS {
                    cases.push(case(&arguments, &endpoints, verb, label, size, connections).await?);
                }
            }
            tell_cpu(label, &endpoints, &puts, &gets);
        }
    }
    if arguments.list_keys > 0 {
        for endpoint in &endpoints {
            listing(endpoint, arguments.list_keys).await?;
        }
    }
    Ok(())
}

fn endpoint(text: &str, arguments: &Arguments) -> Endpoint {
    let (name, rest) = text.split_once('=').unwrap_or(("endpoint", text));
    let (host, pid) = rest.split_once('@').map_or((rest, None), |(h, p)| (h, p.parse().ok()));
    let signer = Signer::new(&arguments.access_key, &arguments.secret_key, "us-east-1");
    Endpoint { name: name.to_owned(), host: host.to_owned(), pid, signer: Arc::new(signer) }
}

async fn case(
    arguments: &Arguments,
    endpoints: &[Endpoint],
    verb: Verb,
    label: &str,
    size: u64,
    connections: usize,
) -> Result<Vec<Sample>> {
    let mut samples = vec![Vec::new(); endpoints.len()];
    for _ in 0..arguments.rounds {
        for (endpoint, samples) in endpoints.iter().zip(&mut samples) {
            if verb == Verb::Get {
                prepare(endpoint, size).await?;
            }
            samples.push(run(arguments, endpoint, verb, size, connections).await?);
        }
    }
    let verb = if verb == Verb::Put { "PUT" } else { "GET" };
    let medians: Vec<Sample> = samples.iter().map(|s| median(s)).collect();
    for (endpoint, sample) in endpoints.iter().zip(&medians) {
        let ratio = sample.rate / medians[0].rate;
        let burden = sample.cpu_ns_per_byte / medians[0].cpu_ns_per_byte;
        let added = sample.p50_ms - medians[0].p50_ms;
        println!(
            "{verb} {label:>6} x{connections:<3} {:<12} {:>10.1}/s {:>9.1} MiB/s  p50 {:>8.2} ms ({added:+.2})  p99 {:>8.2} ms  cpu {:>8.1} us/op {:>7.3} ns/B x{burden:.2}  peak {:>6.1} MiB  rate x{ratio:.2}",
            endpoint.name,
            sample.rate,
            sample.rate * size as f64 / f64::from(1 << 20),
            sample.p50_ms,
            sample.p99_ms,
            sample.cpu_us_per_operation,
            sample.cpu_ns_per_byte,
            sample.peak_mib,
        );
    }
    Ok(medians)
}

/// What a byte costs under a mixed load, each case being the medians of all endpoints.
fn tell_cpu(label: &str, endpoints: &[Endpoint], puts: &[Vec<Sample>], gets: &[Vec<Sample>]) {
    let mean = |cases: &[Vec<Sample>], place: usize| {
        let each = cases.iter().filter_map(|samples| samples.get(place));
        each.map(|sample| sample.cpu_ns_per_byte).sum::<f64>() / cases.len() as f64
    };
    let cost =
        |place| (mean(puts, place) + GETS_PER_PUT * mean(gets, place)) / (1.0 + GETS_PER_PUT);
    for (place, endpoint) in endpoints.iter().enumerate() {
        let (name, cost, burden) = (&endpoint.name, cost(place), cost(place) / cost(0));
        println!("mixed {label:>6} {name:<12} cpu {cost:>7.3} ns/B x{burden:.2}");
    }
}

/// Puts the 64 objects that the readers of this size read.
async fn prepare(endpoint: &Endpoint, size: u64) -> Result<()> {
    let block = vec![0x5a; 256 * 1024];
    let mut connection = Connection::open(&endpoint.host, endpoint.signer.clone()).await?;
    for worker in 0..objects(size) {
        let path = format!("/bench/read-{size}-{worker}");
        let head = connection.request("HEAD", &path, "", Body::NONE, false).await?;
        if head.status == 200 {
            continue;
        }
        connection.request("PUT", &path, "", Body { block: &block, length: size }, false).await?;
    }
    Ok(())
}

/// How many different objects are read or overwritten: few large ones, so that all of them stay
/// in the page cache.
fn objects(size: u64) -> u64 {
    ((512 << 20) / size).clamp(4, 64)
}

async fn run(
    arguments: &Arguments,
    endpoint: &Endpoint,
    verb: Verb,
    size: u64,
    connections: usize,
) -> Result<Sample> {
    let deadline = Instant::now() + Duration::from_secs_f64(arguments.seconds);
    let before = endpoint.pid.and_then(process::cpu_time);
    endpoint.pid.into_iter().for_each(process::reset_peak);
    let start = Instant::now();
    let mut tasks = Vec::new();
    for worker in 0..connections {
        let endpoint = endpoint.clone();
        tasks.push(tokio::spawn(worker_loop(endpoint, verb, size, worker as u64, deadline)));
    }
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.map_err(std::io::Error::other)??);
    }
    let elapsed = start.elapsed().as_secs_f64();
    let after = endpoint.pid.and_then(process::cpu_time);
    latencies.sort_unstable();
    let count = latencies.len().max(1);
    let cpu = after.zip(before).map_or(0.0, |(a, b)| a.saturating_sub(b).as_secs_f64());
    Ok(Sample {
        rate: count as f64 / elapsed,
        p50_ms: quantile(&latencies, 0.5),
        p99_ms: quantile(&latencies, 0.99),
        cpu_ns_per_byte: cpu * 1e9 / (count as f64 * size as f64),
        cpu_us_per_operation: cpu * 1e6 / count as f64,
        peak_mib: endpoint.pid.and_then(process::peak_mib).unwrap_or(0.0),
    })
}

async fn worker_loop(
    endpoint: Endpoint,
    verb: Verb,
    size: u64,
    worker: u64,
    deadline: Instant,
) -> Result<Vec<Duration>> {
    let block = vec![0x5a; 256 * 1024];
    let mut connection = Connection::open(&endpoint.host, endpoint.signer.clone()).await?;
    let mut latencies = Vec::new();
    let mut turn = worker;
    // Every worker does at least one, so that the largest bodies count too.
    while latencies.is_empty() || Instant::now() < deadline {
        turn += 1;
        let start = Instant::now();
        let answer = match verb {
            Verb::Put => {
                let path = format!("/bench/write-{size}-{worker}-{}", turn % 4);
                let body = Body { block: &block, length: size };
                connection.request("PUT", &path, "", body, false).await?
            }
            Verb::Get => {
                let path = format!("/bench/read-{size}-{}", turn % objects(size));
                connection.request("GET", &path, "", Body::NONE, false).await?
            }
        };
        if answer.status != 200 {
            return Err(std::io::Error::other(format!(
                "{} answers {}",
                endpoint.name, answer.status
            )));
        }
        latencies.push(start.elapsed());
    }
    Ok(latencies)
}

/// Fills a bucket once and measures pages of its listing, from random places and from the start.
async fn listing(endpoint: &Endpoint, keys: u64) -> Result<()> {
    let mut connection = Connection::open(&endpoint.host, endpoint.signer.clone()).await?;
    connection.request("PUT", "/bench-list", "", Body::NONE, false).await?;
    let last = list_key(keys - 1);
    let probe =
        connection.request("GET", &format!("/bench-list/{last}"), "", Body::NONE, false).await?;
    if probe.status != 200 {
        fill(endpoint, keys).await?;
    }
    let shapes = [
        ("plain page of 1,000", "list-type=2&start-after="),
        (
            "delimiter /, 200 companies",
            "delimiter=%2F&list-type=2&prefix=attachments%2Finvoice%2F&start-after=",
        ),
        (
            "delimiter /, one company",
            "delimiter=%2F&list-type=2&prefix=attachments%2Finvoice%2Fcompany_7%2F&start-after=",
        ),
    ];
    for (label, query) in shapes {
        let mut latencies = Vec::new();
        let mut shown = 0;
        for turn in 0..200_u64 {
            let query = if label.starts_with("plain") {
                let from = list_key(turn.wrapping_mul(7_919) % keys).replace('/', "%2F");
                format!("{query}{from}")
            } else {
                query.to_owned()
            };
            let start = Instant::now();
            let answer = connection.request("GET", "/bench-list", &query, Body::NONE, true).await?;
            latencies.push(start.elapsed());
            let text = String::from_utf8_lossy(&answer.body);
            shown = text.matches("<Contents>").count() + text.matches("<CommonPrefixes>").count();
        }
        latencies.sort_unstable();
        println!(
            "LIST of {keys} keys, {label:<28} {:<12} {shown:>5} entries  p50 {:>7.2} ms  p99 {:>7.2} ms",
            endpoint.name,
            quantile(&latencies, 0.5),
            quantile(&latencies, 0.99)
        );
    }
    Ok(())
}

/// Keys in the shape that the accounting application gives its attachments.
fn list_key(n: u64) -> String {
    let day = n / 200 % 28 + 1;
    format!("attachments/invoice/company_{}/2025-08-{day:02}/{n:08}_receipt.pdf", n % 200)
}

async fn fill(endpoint: &Endpoint, keys: u64) -> Result<()> {
    let next = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..64 {
        let (endpoint, next) = (endpoint.clone(), next.clone());
        tasks.push(tokio::spawn(async move {
            let mut connection = Connection::open(&endpoint.host, endpoint.signer.clone()).await?;
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= keys {
                    return Ok::<_, std::io::Error>(());
                }
                let path = format!("/bench-list/{}", list_key(n));
                let body = Body { block: b"receipt", length: 7 };
                let answer = connection.request("PUT", &path, "", body, false).await?;
                if answer.status != 200 {
                    return Err(std::io::Error::other(format!("PUT answers {}", answer.status)));
                }
            }
        }));
    }
    for task in tasks {
        task.await.map_err(std::io::Error::other)??;
    }
    let rate = keys as f64 / start.elapsed().as_secs_f64();
    println!("FILL {keys} keys, 64 connections {:<12} {rate:.0}/s", endpoint.name);
    Ok(())
}

fn quantile(sorted: &[Duration], q: f64) -> f64 {
    let at = ((sorted.len() as f64 * q) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(0.0, |d| d.as_secs_f64() * 1e3)
}

/// Each figure's own median over the rounds.
fn median(samples: &[Sample]) -> Sample {
    let middle = |figure: fn(&Sample) -> f64| {
        let mut figures: Vec<f64> = samples.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    Sample {
        rate: middle(|s| s.rate),
        p50_ms: middle(|s| s.p50_ms),
        p99_ms: middle(|s| s.p99_ms),
        cpu_ns_per_byte: middle(|s| s.cpu_ns_per_byte),
        cpu_us_per_operation: middle(|s| s.cpu_us_per_operation),
        peak_mib: samples.iter().map(|s| s.peak_mib).fold(0.0, f64::max),
    }
}
