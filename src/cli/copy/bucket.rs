//! A bucket of the gateway, as a client of its S3 API has it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, ETAG, LAST_MODIFIED};
use http::response::Parts;
use http::{HeaderMap, Method, Request, StatusCode};

use super::super::gateway::Gateway;
use super::moment::{HEADER, Moment};
use crate::auth::UNSIGNED_PAYLOAD;
use crate::body::{BodyError, Payload};
use crate::object::percent::{Malformed, Plus, Slash, decode, encode};
use crate::object::{Algorithm, ChecksumValue, ETag, Timestamp};
use crate::s3::xml;
use crate::server::CallError;

/// How long an answer may take, and, where there is a body, its going out.
const PATIENCE: Duration = Duration::from_mins(2);
const LONG: Duration = Duration::from_mins(30);
/// The longest document that is read.
const LONGEST: usize = 16 << 20;

/// A bucket.
pub(super) struct Bucket<'a> {
    gateway: &'a Gateway,
    name: String,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum S3Fault {
    /// The gateway says so.
    #[error("{message} ({code})")]
    Refused {
        /// S3's code.
        code: String,
        /// Its words.
        message: String,
        /// The status.
        status: StatusCode,
    },
    /// There is no answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The answer, or the file that was to be sent, broke off.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The answer is none of S3's.
    #[error("the answer makes no sense: {0}")]
    Answer(&'static str),
}

/// What is known of an object without its content.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) size: u64,
    pub(super) etag: ETag,
    /// The modification time that came with it; else `None`.
    pub(super) modified: Option<Moment>,
    /// When it was stored.
    pub(super) stored: Option<Moment>,
    /// Its checksum over the whole content, where it has one.
    pub(super) checksum: Option<ChecksumValue>,
}

/// A line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) size: u64,
}

/// A page of a listing.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) objects: Vec<Listed>,
    /// Where the next page begins; `None` at the end.
    pub(super) next: Option<String>,
}

impl S3Fault {
    /// Whether it may well work another time.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Refused { status, .. } => status.is_server_error() && status.as_u16() != 507,
            Self::Call(error) => !matches!(error, CallError::Tls(_)),
            Self::Body(error) => !matches!(error, BodyError::Store(_)),
            Self::Answer(_) => false,
        }
    }

    /// Whether somebody else was there first.
    pub(super) fn is_conflict(&self) -> bool {
        let status = match self {
            Self::Refused { status, .. } => status.as_u16(),
            _ => return false,
        };
        matches!(status, 409 | 412)
    }
}

impl<'a> Bucket<'a> {
    pub(super) fn new(gateway: &'a Gateway, name: &str) -> Self {
        Self { gateway, name: name.to_owned() }
    }

    /// Whether there is such a bucket.
    pub(super) async fn exists(&self) -> Result<bool, S3Fault> {
        let (head, _) = self.send(Method::HEAD, "", HeaderMap::new(), Payload::empty()).await?;
        match head.status {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(true),
            status => Err(S3Fault::Refused {
                code: status.to_string(),
                message: format!("the bucket {} cannot be used with this key", self.name),
                status,
            }),
        }
    }

    /// Makes it.
    pub(super) async fn make(&self) -> Result<(), S3Fault> {
        let (head, body) = self.send(Method::PUT, "", HeaderMap::new(), Payload::empty()).await?;
        done(head, body).await.map(drop)
    }

    /// What is known of an object; `None` where there is none.
    pub(super) async fn head(&self, key: &str) -> Result<Option<Head>, S3Fault> {
        let (head, _) = self.object(Method::HEAD, key, "", asking(), Payload::empty()).await?;
        match head.status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(Head::read(&head.headers)?)),
            status => Err(S3Fault::Refused {
                code: status.to_string(),
                message: "what is there cannot be seen".to_owned(),
                status,
            }),
        }
    }

    /// An object with its content; `None` where there is none any more.
    pub(super) async fn get(&self, key: &str) -> Result<Option<(Head, Payload)>, S3Fault> {
        let (head, body) = self.object(Method::GET, key, "", asking(), Payload::empty()).await?;
        if head.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !head.status.is_success() {
            return Err(refused(head.status, body).await);
        }
        Ok(Some((Head::read(&head.headers)?, body)))
    }

    /// A call on an object with what it answers: its headers and its document.
    pub(super) async fn call(
        &self,
        method: Method,
        key: &str,
        query: &str,
        headers: HeaderMap,
        body: Payload,
    ) -> Result<(Parts, Bytes), S3Fault> {
        let (head, body) = self.object(method, key, query, headers, body).await?;
        done(head, body).await
    }

    /// A page of the objects whose keys begin with `prefix`.
    pub(super) async fn list(&self, prefix: &str, token: Option<&str>) -> Result<Page, S3Fault> {
        let mut query =
            format!("?list-type=2&encoding-type=url&prefix={}", encode(prefix, Slash::Encode));
        if let Some(token) = token {
            query = format!("{query}&continuation-token={}", encode(token, Slash::Encode));
        }
        let nothing = Payload::empty();
        let (head, body) = self.send(Method::GET, &query, HeaderMap::new(), nothing).await?;
        let (_, document) = done(head, body).await?;
        Page::read(&document)
    }

    async fn object(
        &self,
        method: Method,
        key: &str,
        query: &str,
        headers: HeaderMap,
        body: Payload,
    ) -> Result<(Parts, Payload), S3Fault> {
        let below = format!("/{}{query}", encode(key, Slash::Keep));
        self.send(method, &below, headers, body).await
    }

    async fn send(
        &self,
        method: Method,
        below: &str,
        headers: HeaderMap,
        body: Payload,
    ) -> Result<(Parts, Payload), S3Fault> {
        let has_body = body.length() != Some(0);
        let mut request = Request::new(body);
        *request.method_mut() = method;
        let uri = format!("/{}{below}", self.name).parse();
        *request.uri_mut() = uri.map_err(|_| S3Fault::Answer("the key fits into no URL"))?;
        let framed = headers.contains_key("x-amz-trailer");
        *request.headers_mut() = headers;
        let content = if framed { crate::auth::UNSIGNED_TRAILER } else { UNSIGNED_PAYLOAD };
        let patience = if has_body { LONG } else { PATIENCE };
        let (head, body) = self.gateway.s3(request, content, patience).await?.into_parts();
        Ok((head, body))
    }
}

impl Head {
    fn read(headers: &HeaderMap) -> Result<Self, S3Fault> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let size = text(CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
        let etag = text(ETAG.as_str()).ok_or(S3Fault::Answer("an object without ETag"))?;
        let stored = text(LAST_MODIFIED.as_str()).and_then(Timestamp::parse_http_date);
        let whole = text("x-amz-checksum-type").is_none_or(|kind| kind == "FULL_OBJECT");
        let checksum =
            [Algorithm::Crc64Nvme, Algorithm::Sha256, Algorithm::Sha1, Algorithm::Crc32c]
                .into_iter()
                .chain([Algorithm::Crc32])
                .find_map(|algorithm| {
                    let value = text(algorithm.header_name()).filter(|_| whole)?;
                    ChecksumValue::parse(algorithm, value).ok()
                });
        Ok(Self {
            size: size.ok_or(S3Fault::Answer("an object without a length"))?,
            etag: ETag::parse(etag),
            modified: text(HEADER).and_then(Moment::parse),
            stored: stored.map(|at| Moment::from_seconds(at.seconds())),
            checksum,
        })
    }
}

impl Page {
    fn read(document: &[u8]) -> Result<Self, S3Fault> {
        let wrong = |fault: xml::MalformedXml| S3Fault::Answer(fault.0);
        let root = xml::parse_root(document, "ListBucketResult").map_err(wrong)?;
        let mut page = Self::default();
        for listed in root.children("Contents") {
            let key = listed.required_text("Key").map_err(wrong)?;
            let size = listed.required_integer("Size").map_err(wrong)?;
            let key = decode(key, Plus::Space)
                .map_err(|Malformed| S3Fault::Answer("a key that is not URL-encoded"))?;
            page.objects.push(Listed { key, size: u64::try_from(size).unwrap_or_default() });
        }
        let token = root.child_text("NextContinuationToken").map_err(wrong)?;
        page.next = token.filter(|token| !token.is_empty()).map(str::to_owned);
        Ok(page)
    }
}

/// Asks for checksums, too.
fn asking() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-checksum-mode", http::HeaderValue::from_static("ENABLED"));
    headers
}

async fn done(head: Parts, body: Payload) -> Result<(Parts, Bytes), S3Fault> {
    if !head.status.is_success() {
        return Err(refused(head.status, body).await);
    }
    let document = body.collect(LONGEST).await?;
    // A long completion begins its answer before it knows how it ends.
    if let Ok(root) = xml::parse_root(&document, "Error") {
        return Err(said(&root, StatusCode::INTERNAL_SERVER_ERROR));
    }
    Ok((head, document))
}

async fn refused(status: StatusCode, body: Payload) -> S3Fault {
    let document = body.collect(LONGEST).await.unwrap_or_default();
    match xml::parse_root(&document, "Error") {
        Ok(root) => said(&root, status),
        Err(_) => S3Fault::Refused {
            code: status.as_u16().to_string(),
            message: "the gateway refuses it".to_owned(),
            status,
        },
    }
}

fn said(root: &xml::Element, status: StatusCode) -> S3Fault {
    let part = |name| root.child_text(name).ok().flatten().unwrap_or_default().to_owned();
    S3Fault::Refused { code: part("Code"), message: part("Message"), status }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_with_its_keys_decoded() {
        let page = Page::read(
            b"<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
              <Contents><Key>a/b+c%2Bd%C3%A4%0A</Key><Size>5</Size></Contents>\
              <NextContinuationToken>next</NextContinuationToken></ListBucketResult>",
        );
        let page = page.unwrap();
        let listed = Listed { key: "a/b c+d\u{e4}\n".to_owned(), size: 5 };
        assert_eq!((page.objects, page.next.as_deref()), (vec![listed], Some("next")));
        assert!(Page::read(b"<html></html>").is_err());
    }
}
