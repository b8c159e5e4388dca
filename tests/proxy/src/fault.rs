//! What can go wrong, and for which requests.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::head::Head;

/// A kind of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// None.
    Pass,
    /// No one listens.
    Refuse,
    /// Connections are reset.
    Reset,
    /// Nothing moves.
    Blackhole,
    /// Requests wait.
    Delay(Duration),
    /// Bytes a second, in each direction of each connection.
    Throttle(u64),
    /// Reset after so many bytes of a request.
    CutUp(u64),
    /// Reset after so many bytes of an answer.
    CutDown(u64),
    /// This status and S3 error code instead of the target's answer.
    Answer(u16, String),
}

/// A failure and whom it meets.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Tells faults apart that are otherwise equal.
    pub(crate) id: u64,
    /// What goes wrong.
    pub(crate) kind: Kind,
    method: Option<String>,
    path: Option<String>,
    left: Option<AtomicUsize>,
    settled: Notify,
}

impl Fault {
    /// No failure.
    pub(crate) fn pass() -> Self {
        Self::new(Kind::Pass)
    }

    fn new(kind: Kind) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            kind,
            method: None,
            path: None,
            left: None,
            settled: Notify::new(),
        }
    }

    /// Whether it meets everything, also what is under way already.
    pub(crate) fn meets_all(&self) -> bool {
        self.method.is_none() && self.path.is_none() && self.left.is_none()
    }

    /// Whether it meets this request; asked once a request.
    pub(crate) fn meets(&self, head: &Head) -> bool {
        let named = self.method.as_ref().is_none_or(|m| *m == head.method)
            && self.path.as_ref().is_none_or(|p| head.target.contains(p.as_str()));
        named && self.left.as_ref().is_none_or(take_one)
    }

    /// Says that the listener acts on it.
    pub(crate) fn settle(&self) {
        self.settled.notify_one();
    }

    /// Waits until the listener acts on it.
    pub(crate) async fn in_force(&self) {
        self.settled.notified().await;
    }
}

fn take_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok()
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (limits, words): (Vec<&str>, Vec<&str>) =
            line.split_whitespace().partition(|word| word.contains('='));
        let mut fault = Self::new(kind(&words)?);
        for limit in limits {
            match limit.split_once('=') {
                Some(("method", method)) => fault.method = Some(method.to_owned()),
                Some(("path", path)) => fault.path = Some(path.to_owned()),
                Some(("times", times)) => fault.left = Some(AtomicUsize::new(number(times)?)),
                _ => return Err(format!("no such limit: {limit}")),
            }
        }
        if fault.kind == Kind::Refuse && !fault.meets_all() {
            return Err("a connection is refused before anything is known of its requests".into());
        }
        Ok(fault)
    }
}

fn kind(words: &[&str]) -> Result<Kind, String> {
    Ok(match words {
        ["pass"] => Kind::Pass,
        ["refuse"] => Kind::Refuse,
        ["reset"] => Kind::Reset,
        ["blackhole"] => Kind::Blackhole,
        ["delay", ms] => Kind::Delay(Duration::from_millis(number(ms)?)),
        ["throttle", rate] => Kind::Throttle(number::<u64>(rate)?.max(1)),
        ["cut", "up", bytes] => Kind::CutUp(number(bytes)?),
        ["cut", "down", bytes] => Kind::CutDown(number(bytes)?),
        ["answer", status, code] => Kind::Answer(number(status)?, (*code).to_owned()),
        _ => return Err(format!("no such command: {}", words.join(" "))),
    })
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}
