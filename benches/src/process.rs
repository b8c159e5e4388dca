//! What the kernel accounts to a server's process.

use std::fs;
use std::time::Duration;

/// Clock ticks per second in `/proc`: fixed at 100 for user space on Linux.
const TICKS: u64 = 100;

/// Lets the peak of the process's resident memory be counted anew from now on.
pub fn reset_peak(pid: u32) {
    // Refused for another user's process: its peak is then that of its whole life.
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// The peak of the process's resident memory in MiB since it was reset.
pub fn peak_mib(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

/// User and system time that the process has used so far; `None` where there is no such process.
pub fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1000 / TICKS))
}
