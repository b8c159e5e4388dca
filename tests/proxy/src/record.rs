//! What came through: connections and requests.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::head::Head;

/// The record of everything since the start, or since it was forgotten.
pub(crate) struct Record {
    header: Option<String>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    generation: u64,
    connections: u64,
    requests: Vec<Request>,
}

struct Request {
    method: String,
    target: String,
    header: String,
    whole: bool,
    status: Option<u16>,
}

/// Which request; one that was forgotten meanwhile is nobody's.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    generation: u64,
    index: usize,
}

impl Record {
    /// Remembers the named header's value of every request.
    pub(crate) fn new(header: Option<String>) -> Self {
        let header = header.map(|name| name.to_ascii_lowercase());
        Self { header, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a connection.
    pub(crate) fn connection(&self) {
        self.kept().connections += 1;
    }

    /// Writes a request down whose head has come.
    pub(crate) fn request(&self, head: &Head) -> Entry {
        let value = self.header.as_deref().and_then(|name| head.header(name));
        let mut kept = self.kept();
        kept.requests.push(Request {
            method: head.method.clone(),
            target: head.target.clone(),
            header: value.unwrap_or("-").to_owned(),
            whole: false,
            status: None,
        });
        Entry { generation: kept.generation, index: kept.requests.len() - 1 }
    }

    /// Notes that the target was sent all of it.
    pub(crate) fn whole(&self, entry: Entry) {
        self.change(entry, |request| request.whole = true);
    }

    /// Notes what the target answered.
    pub(crate) fn status(&self, entry: Entry, status: u16) {
        self.change(entry, |request| request.status = Some(status));
    }

    fn change(&self, entry: Entry, change: impl FnOnce(&mut Request)) {
        let mut kept = self.kept();
        if kept.generation == entry.generation
            && let Some(request) = kept.requests.get_mut(entry.index)
        {
            change(request);
        }
    }

    /// Starts anew.
    pub(crate) fn forget(&self) {
        let mut kept = self.kept();
        *kept = Kept { generation: kept.generation + 1, ..Kept::default() };
    }

    /// One line with the counts.
    pub(crate) fn counts(&self) -> String {
        let kept = self.kept();
        format!("connections={} requests={}\n", kept.connections, kept.requests.len())
    }

    /// A line for each request, in the order of their heads: method, target, the header's value,
    /// `whole` or `part`, the target's status or `-`, separated by tabs.
    pub(crate) fn lines(&self) -> String {
        let mut text = String::new();
        for request in &self.kept().requests {
            let Request { method, target, header, whole, status } = request;
            let whole = if *whole { "whole" } else { "part" };
            let status = status.map_or_else(|| "-".to_owned(), |s| s.to_string());
            let _ = writeln!(text, "{method}\t{target}\t{header}\t{whole}\t{status}");
        }
        text
    }
}
