//! What scans bodies for viruses, and what becomes of those that could not be scanned.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::rule::Rule;
use crate::body::Refusal;

/// Scans bodies.
#[async_trait]
pub trait Scanner: Send + Sync {
    /// Begins a scan.
    async fn begin(&self) -> Result<Box<dyn Scan>, ScanFault>;
}

/// A scan under way. Dropped, it is given up.
#[async_trait]
pub trait Scan: Send {
    /// Gives it the next bytes.
    async fn read(&mut self, bytes: Bytes) -> Result<(), ScanFault>;

    /// Ends the body, and waits for what comes of it.
    async fn verdict(&mut self) -> Result<Verdict, ScanFault>;
}

/// What a scan came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was found.
    Clean,
    /// This was found.
    Infected(String),
}

/// Why a scan came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanFault {
    /// The scanner is not there, does not answer, or failed.
    #[error("the virus scanner is away: {0}")]
    Away(String),
    /// The body is larger than the scanner takes.
    #[error("the body is larger than the virus scanner takes")]
    TooLarge,
}

/// A scanner, and what becomes of what it cannot scan.
#[derive(Clone)]
pub struct Antivirus {
    /// The scanner.
    pub scanner: Arc<dyn Scanner>,
    /// Whether bodies are let in while it is away.
    pub accepts_away: bool,
    /// Whether bodies are let in that are too large for it.
    pub accepts_larger: bool,
}

impl fmt::Debug for Antivirus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Antivirus")
            .field("accepts_away", &self.accepts_away)
            .field("accepts_larger", &self.accepts_larger)
            .finish_non_exhaustive()
    }
}

/// A scanner, and the rule that asks for it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The scanner.
    pub(super) antivirus: Antivirus,
    /// The rule.
    pub(super) rule: Arc<Rule>,
}

/// The scan of one body, as its rule wants it.
pub(super) struct Scanning {
    asked: Asked,
    /// `None` where it was given up and the body is let in all the same.
    scan: Option<Box<dyn Scan>>,
}

impl Scanning {
    /// Begins one.
    pub(super) async fn begin(asked: Asked) -> Result<Self, Refusal> {
        let begun = asked.antivirus.scanner.begin().await;
        let mut scanning = Self { asked, scan: None };
        match begun {
            Ok(scan) => scanning.scan = Some(scan),
            Err(fault) => scanning.give_up(&fault)?,
        }
        Ok(scanning)
    }

    /// Reads on.
    pub(super) async fn read(&mut self, bytes: Bytes) -> Result<(), Refusal> {
        let Some(scan) = &mut self.scan else { return Ok(()) };
        match scan.read(bytes).await {
            Ok(()) => Ok(()),
            Err(fault) => self.give_up(&fault),
        }
    }

    /// Waits for the verdict.
    pub(super) async fn finish(mut self) -> Result<(), Refusal> {
        let Some(scan) = &mut self.scan else { return Ok(()) };
        match scan.verdict().await {
            Ok(Verdict::Clean) => Ok(()),
            Ok(Verdict::Infected(what)) => {
                Err(self.asked.rule.denied(format!("the virus scanner found {what}")))
            }
            Err(fault) => self.give_up(&fault),
        }
    }

    fn give_up(&mut self, fault: &ScanFault) -> Result<(), Refusal> {
        self.scan = None;
        let Asked { antivirus, rule } = &self.asked;
        let accepts = match fault {
            ScanFault::Away(_) => antivirus.accepts_away,
            ScanFault::TooLarge => antivirus.accepts_larger,
        };
        tracing::warn!(%fault, accepts, rule = rule.name, "an upload was not scanned");
        match fault {
            _ if accepts => Ok(()),
            ScanFault::Away(_) => Err(rule.unseen("the virus scanner is away; please try again")),
            ScanFault::TooLarge => Err(rule.denied("it is larger than the virus scanner takes")),
        }
    }
}
