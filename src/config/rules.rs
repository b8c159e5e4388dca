//! Upload rules: what may be stored under which prefix, and what scans for viruses.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;

use super::document::Document;
use super::error::ConfigError;
use super::usage::EVERY_BUCKET;
use super::{bounds, file};
use crate::object::BucketName;

/// The largest object there can be.
const MOST: u64 = 50 << 40;

/// Every rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
    /// What scans for viruses; there where any rule asks for that.
    pub antivirus: Option<Antivirus>,
}

/// What may be stored under a prefix.
#[allow(clippy::struct_excessive_bools, reason = "switches of the file, each of its own")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// What refusals call it.
    pub name: String,
    /// The bucket that it is for; every bucket without.
    pub bucket: Option<BucketName>,
    /// What the keys that it is for begin with.
    pub prefix: String,
    /// The extensions that are allowed, in lower case without a dot; all without.
    pub extensions: Option<BTreeSet<String>>,
    /// The content types that may be declared; all without.
    pub content_types: Option<Vec<String>>,
    /// The types that the content may be of; all without.
    pub detected_types: Option<Vec<String>>,
    /// Whether the content must be of the type that is declared.
    pub match_content: bool,
    /// The most bytes.
    pub max_size: Option<u64>,
    /// The fewest bytes.
    pub min_size: u64,
    /// Whether dangerous content is refused.
    pub block_dangerous: bool,
    /// What becomes of file names.
    pub names: Names,
    /// Whether names get a unique part.
    pub unique_names: bool,
    /// Whether the content is scanned for viruses.
    pub antivirus: bool,
}

/// What becomes of file names that are not safe everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// They stay.
    #[default]
    Any,
    /// They are made safe.
    Safe,
    /// They are refused.
    Refuse,
}

/// Where ClamAV's daemon is, and what becomes of what it cannot scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Antivirus {
    /// Where it is.
    pub address: ScannerAddress,
    /// Whether uploads are let in while it is away.
    pub accepts_away: bool,
    /// Whether uploads are let in that are larger than it takes.
    pub accepts_larger: bool,
    /// How long connecting to it may take, and a standstill.
    pub connect_timeout: Duration,
    /// How long it may take to find something.
    pub scan_timeout: Duration,
}

/// Where a scanner is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScannerAddress {
    /// On a port.
    Tcp(SocketAddr),
    /// On a socket of this machine.
    Unix(PathBuf),
}

/// Reads the sections `[[rule]]` and `[antivirus]`.
pub(super) fn build(
    listed: &[Spanned<file::Rule>],
    scanner: Option<&file::Antivirus>,
    document: &Document,
) -> Result<Rules, ConfigError> {
    let antivirus = scanner.map(|scanner| antivirus(scanner, document)).transpose()?;
    let mut rules = Vec::new();
    for entry in listed {
        let written = entry.get_ref();
        let rule = rule(written, document)?;
        if let Some(asks) = written.antivirus.as_ref().filter(|asks| *asks.get_ref())
            && antivirus.is_none()
        {
            let message = "there is no section [antivirus] that says where the scanner is";
            return Err(document.error(&asks.span(), message));
        }
        if !does_anything(&rule) {
            let message = "the rule asks for nothing; add max_size, extensions, block_dangerous or \
                           another of its settings";
            return Err(document.error(&written.bucket.span(), message));
        }
        rules.push(rule);
    }
    Ok(Rules { rules, antivirus })
}

fn rule(written: &file::Rule, document: &Document) -> Result<Rule, ConfigError> {
    let text = written.bucket.get_ref();
    let bucket = match text.as_str() {
        EVERY_BUCKET => None,
        name => Some(BucketName::parse(name).map_err(|why| {
            document.error(&written.bucket.span(), format!("{name:?} is no bucket name: {why}"))
        })?),
    };
    let prefix = written.prefix.clone().unwrap_or_default();
    let name = written.name.clone().unwrap_or_else(|| format!("{text}/{prefix}"));
    let max_size = match &written.max_size {
        None => None,
        some => Some(bounds::size(some.as_ref(), 0, 0..=MOST, document)?),
    };
    let min_size = bounds::size(written.min_size.as_ref(), 0, 0..=MOST, document)?;
    if let (Some(most), Some(least)) = (max_size, &written.min_size)
        && min_size > most
    {
        return Err(document.error(&least.span(), "is more than max_size"));
    }
    Ok(Rule {
        name,
        bucket,
        prefix,
        extensions: extensions(written.extensions.as_deref(), document)?,
        content_types: types(written.content_types.as_deref(), document)?,
        detected_types: types(written.detected_types.as_deref(), document)?,
        match_content: written.match_content.unwrap_or(false),
        max_size,
        min_size,
        block_dangerous: written.block_dangerous.unwrap_or(false),
        names: names(written.names.as_ref(), document)?,
        unique_names: written.unique_names.unwrap_or(false),
        antivirus: written.antivirus.as_ref().is_some_and(|asks| *asks.get_ref()),
    })
}

fn does_anything(rule: &Rule) -> bool {
    let Rule { name, bucket, prefix, .. } = rule.clone();
    *rule != Rule { name, bucket, prefix, ..Rule::default() }
}

fn extensions(
    listed: Option<&[Spanned<String>]>,
    document: &Document,
) -> Result<Option<BTreeSet<String>>, ConfigError> {
    let one = |text: &Spanned<String>| {
        let extension = text.get_ref().to_lowercase();
        if !extension.is_empty() && extension.chars().all(char::is_alphanumeric) {
            return Ok(extension);
        }
        let message = format!("{extension:?} is not an extension such as \"pdf\", without a dot");
        Err(document.error(&text.span(), message))
    };
    listed.map(|listed| listed.iter().map(one).collect()).transpose()
}

fn types(
    listed: Option<&[Spanned<String>]>,
    document: &Document,
) -> Result<Option<Vec<String>>, ConfigError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(plain);
    let one = |text: &Spanned<String>| {
        let written = text.get_ref();
        match written.split_once('/') {
            Some((kind, subtype)) if is_token(kind) && (subtype == "*" || is_token(subtype)) => {
                Ok(written.to_ascii_lowercase())
            }
            _ => {
                let message = format!(
                    "{written:?} is not a content type such as \"image/png\" or \"image/*\""
                );
                Err(document.error(&text.span(), message))
            }
        }
    };
    listed.map(|listed| listed.iter().map(one).collect()).transpose()
}

fn names(written: Option<&Spanned<String>>, document: &Document) -> Result<Names, ConfigError> {
    let Some(written) = written else { return Ok(Names::Any) };
    match written.get_ref().as_str() {
        "any" => Ok(Names::Any),
        "safe" => Ok(Names::Safe),
        "refuse" => Ok(Names::Refuse),
        other => {
            let message = format!("{other:?} is not \"any\", \"safe\" or \"refuse\"");
            Err(document.error(&written.span(), message))
        }
    }
}

fn antivirus(written: &file::Antivirus, document: &Document) -> Result<Antivirus, ConfigError> {
    let text = written.address.get_ref();
    let address = match text.strip_prefix("unix:") {
        Some(path) if !path.is_empty() => Some(ScannerAddress::Unix(PathBuf::from(path))),
        Some(_) => None,
        None => text.parse().ok().map(ScannerAddress::Tcp),
    };
    let address = address.ok_or_else(|| {
        let message = format!(
            "{text:?} is not an address such as \"127.0.0.1:3310\" or \"unix:/run/clamav/clamd.ctl\""
        );
        document.error(&written.address.span(), message)
    })?;
    let second = Duration::from_secs(1);
    let allowed = Duration::from_millis(100)..=3600 * second;
    let (connect, scan) = (written.connect_timeout.as_ref(), written.scan_timeout.as_ref());
    Ok(Antivirus {
        address,
        accepts_away: accepts(written.when_away.as_ref(), document)?,
        accepts_larger: accepts(written.when_larger.as_ref(), document)?,
        connect_timeout: bounds::period(connect, 5 * second, allowed.clone(), document)?,
        scan_timeout: bounds::period(scan, 120 * second, allowed, document)?,
    })
}

fn accepts(written: Option<&Spanned<String>>, document: &Document) -> Result<bool, ConfigError> {
    let Some(written) = written else { return Ok(false) };
    match written.get_ref().as_str() {
        "refuse" => Ok(false),
        "accept" => Ok(true),
        other => {
            let message = format!("{other:?} is not \"refuse\" or \"accept\"");
            Err(document.error(&written.span(), message))
        }
    }
}
