//! A body under judgement: its bytes are read as they pass, and kept no longer than to see what it
//! begins with.

use std::sync::Arc;

use super::agree::{agrees, declares_nothing};
use super::content_type::{TypePattern, canonical};
use super::rule::Rule;
use super::sniff::{HEAD, Kind, Sniffed, sniff};
use super::watch::Watch;
use crate::body::Refusal;

/// The judgement of one body by its rules.
pub(super) struct Inspection {
    rules: Vec<Arc<Rule>>,
    extension: Option<String>,
    declared: Option<String>,
    size: u64,
    /// The first bytes, until they have been judged.
    head: Option<Vec<u8>>,
    watches: Vec<Watch>,
}

impl Inspection {
    /// The judgement of a body of that name's extension and declared type, both in lower case.
    pub(super) fn new(
        rules: Vec<Arc<Rule>>,
        extension: Option<String>,
        declared: Option<String>,
    ) -> Self {
        let head = Some(Vec::new());
        Self { rules, extension, declared, size: 0, head, watches: Vec::new() }
    }

    /// Judges a size that is known before the bytes are.
    pub(super) fn expect(&self, size: u64) -> Result<(), Refusal> {
        self.rules.iter().try_for_each(|rule| rule.check_size(size, true))
    }

    /// Whether enough was read to know what the content begins with.
    pub(super) fn has_head(&self) -> bool {
        self.head.is_none()
    }

    /// Reads on.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.size += bytes.len() as u64;
        self.rules.iter().try_for_each(|rule| rule.check_size(self.size, false))?;
        let Some(head) = &mut self.head else { return self.watch(bytes) };
        let take = bytes.len().min(HEAD - head.len());
        let (now, later) = bytes.split_at(take);
        head.extend_from_slice(now);
        if head.len() < HEAD {
            return Ok(());
        }
        self.judge_head()?;
        self.watch(later)
    }

    /// Judges what the end shows.
    pub(super) fn finish(&mut self) -> Result<(), Refusal> {
        self.judge_head()?;
        self.rules.iter().try_for_each(|rule| rule.check_size(self.size, true))?;
        match self.watches.iter().find_map(Watch::finish) {
            Some(found) => Err(self.dangerous(found)),
            None => Ok(()),
        }
    }

    /// Judges the first bytes, all of them if the body is short.
    pub(super) fn judge_head(&mut self) -> Result<(), Refusal> {
        let Some(head) = self.head.take() else { return Ok(()) };
        let sniffed = sniff(&head);
        for rule in &self.rules {
            self.judge_type(rule, &sniffed)?;
            if rule.block_dangerous {
                self.judge_danger(rule, &sniffed)?;
            }
        }
        if self.rules.iter().any(|rule| rule.block_dangerous) {
            self.watches = Watch::all(&sniffed, self.declared.as_deref());
        }
        self.watch(&head)
    }

    fn watch(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        match self.watches.iter_mut().find_map(|watch| watch.read(bytes)) {
            Some(found) => Err(self.dangerous(found)),
            None => Ok(()),
        }
    }

    fn judge_type(&self, rule: &Rule, sniffed: &Sniffed) -> Result<(), Refusal> {
        let found = canonical(sniffed.mime);
        if let Some(allowed) = &rule.detected_types
            && !TypePattern::any(allowed, found)
        {
            let list = TypePattern::list(allowed);
            return Err(rule.wrong(format!("the content is {found}, which is not one of: {list}")));
        }
        if !rule.match_content {
            return Ok(());
        }
        let declared = self.declared.as_deref().filter(|it| !declares_nothing(it));
        match (declared, self.by_extension()) {
            (Some(declared), _) if !agrees(declared, sniffed) => Err(rule
                .wrong(format!("the content is {found}, not {declared} as the content type says"))),
            (None, Some(implied)) if !agrees(implied, sniffed) => {
                Err(rule
                    .wrong(format!("the content is {found}, not {implied} as the file name says")))
            }
            _ => Ok(()),
        }
    }

    /// The content type that the name's extension stands for.
    fn by_extension(&self) -> Option<&'static str> {
        mime_guess::from_ext(self.extension.as_deref()?).first_raw()
    }

    fn judge_danger(&self, rule: &Rule, sniffed: &Sniffed) -> Result<(), Refusal> {
        match sniffed.kind {
            Kind::Executable(what) => return Err(rule.denied(format!("the content is {what}"))),
            Kind::Html => return Err(rule.denied("the content is a page (HTML)")),
            Kind::Other if sniffed.mime == "application/gzip" && self.claims_svg() => {
                return Err(rule.denied("the picture is compressed, so that nobody can look at it"));
            }
            _ => {}
        }
        if sniffed.hides_pdf {
            let found = sniffed.mime;
            return Err(rule.denied(format!("the content is {found} and a PDF at once")));
        }
        Ok(())
    }

    fn claims_svg(&self) -> bool {
        self.declared.as_deref() == Some("image/svg+xml")
            || matches!(self.extension.as_deref(), Some("svg" | "svgz"))
    }

    /// The refusal in the name of the first rule that watches.
    fn dangerous(&self, found: &str) -> Refusal {
        let rule = self.rules.iter().find(|rule| rule.block_dangerous);
        rule.map_or_else(|| Rule::default().denied(found), |rule| rule.denied(found))
    }
}
