//! What the kernel accounts to a server's process.

use std::fs;
use std::time::Duration;

/// Clock ticks per second in `/proc`: fixed at 100 for user space on Linux.
const TICKS: u64 = 100;

/// User and system time that the process has used so far; `None` where there is no such process.
pub fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1000 / TICKS))
}
