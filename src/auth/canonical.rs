//! The canonical request of Signature Version 4 (S3 API Reference, "Signature calculations for
//! the authorization header: transferring payload in a single chunk").
//!
//! Pure and byte-oriented; knows no keys and no errors. S3's rules: the path is decoded once and
//! encoded once, and neither dots nor slashes are touched.

use http::header::{HOST, HeaderName};
use http::{HeaderMap, Method, request};

use super::percent::recode;
use super::query::Query;
use crate::object::percent::{Plus, Slash};

/// What is signed of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) method: &'a Method,
    /// The path as received.
    pub(super) path: &'a [u8],
    /// The query string as received.
    pub(super) query: Query<'a>,
    pub(super) headers: &'a HeaderMap,
    /// The host as the client named it.
    pub(super) host: Option<&'a [u8]>,
}

/// The headers that a signature covers: lower-case, sorted, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedHeaders(Vec<HeaderName>);

/// Readings of a request on which signers disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    path: PathForm,
    blanks: Blanks,
    plus: Plus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PathForm {
    /// Decoded once and encoded again.
    Recoded,
    /// As received: some signers sign `@` or `%2f` as they send it.
    Received,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blanks {
    /// A run of spaces and tabs counts as one space (botocore, Java).
    All,
    /// A run of spaces counts as one space (aws-sigv4).
    SpacesOnly,
}

impl<'a> Subject<'a> {
    pub(super) fn of(head: &'a request::Parts) -> Self {
        let host_header = head.headers.get(HOST).map(http::HeaderValue::as_bytes);
        let authority = head.uri.authority().map(|authority| authority.as_str().as_bytes());
        // HTTP/2 names the host in its pseudo-header; an absolute-form target of HTTP/1.1 is not
        // what clients sign.
        let host = if head.version >= http::Version::HTTP_2 {
            authority.or(host_header)
        } else {
            host_header.or(authority)
        };
        Self {
            method: &head.method,
            path: head.uri.path().as_bytes(),
            query: Query(head.uri.query().unwrap_or_default().as_bytes()),
            headers: &head.headers,
            host,
        }
    }

    /// Whether the request has that header at all.
    pub(super) fn has_header(&self, name: &HeaderName) -> bool {
        if *name == HOST { self.host.is_some() } else { self.headers.contains_key(name) }
    }
}

impl SignedHeaders {
    /// Reads `SignedHeaders`: names joined by semicolons.
    pub(super) fn parse(list: &str) -> Option<Self> {
        let names = list.split(';').map(|name| HeaderName::from_bytes(name.trim().as_bytes()));
        let mut names: Vec<HeaderName> = names.collect::<Result<_, _>>().ok()?;
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        Some(Self(names))
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter()
    }
}

impl Reading {
    /// The reading that AWS documents.
    pub(super) const FIRST: Self =
        Self { path: PathForm::Recoded, blanks: Blanks::All, plus: Plus::Space };

    /// Every reading that could make a difference for this request, the documented one first; the
    /// others are looked for only when it has failed.
    pub(super) fn all<'a>(
        subject: &'a Subject<'_>,
        signed: &'a SignedHeaders,
    ) -> impl Iterator<Item = Self> + 'a {
        let others = std::iter::once_with(|| Self::others(subject, signed));
        std::iter::once(Self::FIRST).chain(others.flatten())
    }

    fn others(subject: &Subject<'_>, signed: &SignedHeaders) -> Vec<Self> {
        let mut recoded = Vec::with_capacity(subject.path.len());
        recode(&mut recoded, subject.path, Plus::Literal, Slash::Keep);
        let values = signed.iter().flat_map(|name| subject.headers.get_all(name));
        let tabs = values.map(http::HeaderValue::as_bytes).any(|value| value.contains(&b'\t'));

        let mut readings = vec![Self::FIRST];
        let mut or_also = |differs: bool, change: fn(Self) -> Self| {
            if differs {
                readings.extend(readings.clone().into_iter().map(change));
            }
        };
        or_also(recoded != subject.path, |it| Self { path: PathForm::Received, ..it });
        or_also(tabs, |it| Self { blanks: Blanks::SpacesOnly, ..it });
        or_also(subject.query.0.contains(&b'+'), |it| Self { plus: Plus::Literal, ..it });
        readings.split_off(1)
    }
}

/// The canonical request. `without` is a query parameter that is not part of it: the signature.
pub(super) fn canonical_request(
    subject: &Subject<'_>,
    signed: &SignedHeaders,
    payload_hash: &str,
    without: Option<&str>,
    reading: Reading,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(subject.method.as_str().as_bytes());
    out.push(b'\n');
    push_path(&mut out, subject.path, reading.path);
    out.push(b'\n');
    push_query(&mut out, subject.query, without, reading.plus);
    out.push(b'\n');
    for name in signed.iter() {
        out.extend_from_slice(name.as_str().as_bytes());
        out.push(b':');
        push_header(&mut out, subject, name, reading.blanks);
        out.push(b'\n');
    }
    out.push(b'\n');
    for (position, name) in signed.iter().enumerate() {
        if position > 0 {
            out.push(b';');
        }
        out.extend_from_slice(name.as_str().as_bytes());
    }
    out.push(b'\n');
    out.extend_from_slice(payload_hash.as_bytes());
    out
}

fn push_path(out: &mut Vec<u8>, path: &[u8], form: PathForm) {
    match form {
        _ if path.is_empty() => out.push(b'/'),
        PathForm::Recoded => recode(out, path, Plus::Literal, Slash::Keep),
        PathForm::Received => out.extend_from_slice(path),
    }
}

/// Sorted by encoded name, then encoded value. Sorting the joined pairs would be wrong, because
/// `=` sorts after `-`.
fn push_query(out: &mut Vec<u8>, query: Query<'_>, without: Option<&str>, plus: Plus) {
    let recoded = |raw: &[u8]| {
        let mut encoded = Vec::with_capacity(raw.len());
        recode(&mut encoded, raw, plus, Slash::Encode);
        encoded
    };
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .pairs()
        .map(|(name, value)| (recoded(name), recoded(value.unwrap_or_default())))
        .filter(|(name, _)| without.is_none_or(|without| name != without.as_bytes()))
        .collect();
    pairs.sort_unstable();
    for (position, (name, value)) in pairs.iter().enumerate() {
        if position > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

fn push_header(out: &mut Vec<u8>, subject: &Subject<'_>, name: &HeaderName, blanks: Blanks) {
    if *name == HOST {
        push_collapsed(out, subject.host.unwrap_or_default(), blanks);
        return;
    }
    for (position, value) in subject.headers.get_all(name).iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        push_collapsed(out, value.as_bytes(), blanks);
    }
}

/// Without blanks at its ends, and one space for each run of them inside.
fn push_collapsed(out: &mut Vec<u8>, value: &[u8], blanks: Blanks) {
    let is_blank = |byte: u8| byte == b' ' || (byte == b'\t' && blanks == Blanks::All);
    let words = value.split(|byte| is_blank(*byte)).filter(|word| !word.is_empty());
    for (position, word) in words.enumerate() {
        if position > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

#[cfg(test)]
mod tests;
