//! What GetObject and HeadObject have in common: selection, conditions and the answer's head.

use http::header::CONTENT_RANGE;
use http::{HeaderValue, StatusCode};

use crate::object::{
    ByteRange, ContentHeaders, CustomerKey, ETag, Encrypted, KeyFault, MAX_PART_NUMBER, ObjectInfo,
    PartNumber, RangeSpec, Timestamp,
};
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::{Head, customer_key, read_conditions, tell_encryption};
use crate::s3::lifecycle;
use crate::s3::object_reply::{self, Overrides};
use crate::s3::reply::Reply;
use crate::store::{self, GetRequest, ObjectPath, Selection, StoreError};

/// A read of an object.
#[derive(Debug)]
pub(super) struct ObjectRead {
    /// Which object.
    pub(super) at: ObjectPath,
    /// What of it, on which conditions.
    pub(super) request: GetRequest,
    /// The object that a range is meant for.
    if_range: Option<IfRange>,
    /// The `Range` header, which a 416 repeats.
    range: Option<String>,
    with_checksum: bool,
    overrides: Overrides,
}

/// `If-Range` (RFC 9110 section 13.1.5).
#[derive(Debug, Clone, PartialEq, Eq)]
enum IfRange {
    Tag(ETag),
    Date(Timestamp),
    /// A weak tag never matches.
    Never,
}

impl ObjectRead {
    /// Reads the head of a GET or HEAD.
    pub(super) fn parse(head: &Head) -> Result<Self, S3Error> {
        let range = head.header("range").map(std::borrow::Cow::into_owned);
        let checksum_mode = head.header("x-amz-checksum-mode").unwrap_or_default();
        Ok(Self {
            at: head.object()?,
            request: GetRequest {
                version: head.version()?,
                selection: selection(head, range.as_deref())?,
                conditions: read_conditions(head),
                key: customer_key(head)?,
            },
            if_range: head.header("if-range").map(|text| IfRange::parse(&text)),
            range,
            with_checksum: checksum_mode.eq_ignore_ascii_case("ENABLED"),
            overrides: overrides(head)?,
        })
    }

    /// Whether the range was meant for another state of the object, so that all of it is wanted.
    pub(super) fn wants_whole(&self, object: &ObjectInfo) -> bool {
        let ranged = matches!(self.request.selection, Selection::Range(_));
        ranged && self.if_range.as_ref().is_some_and(|meant| !meant.matches(object))
    }

    /// The same read without a range, where its range may be meant for another state.
    pub(super) fn whole(&self) -> GetRequest {
        GetRequest { selection: Selection::Whole, ..self.request.clone() }
    }

    /// Whether a range outside the object might not be meant for it at all.
    pub(super) fn may_ignore_range(&self, error: &StoreError) -> bool {
        self.if_range.is_some() && matches!(error, StoreError::InvalidRange { .. })
    }

    /// The answer without its body: 200, or 206 where a range was applied.
    pub(super) fn reply(&self, head: &store::Head) -> Reply {
        let object = &head.object;
        // An empty part has no bytes that a range could name.
        let range = head.range.filter(|range| range.length > 0);
        let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
        let reply = object_reply::object_headers(Reply::new(status), object, &self.overrides);
        let reply = self.checksum(reply, head);
        let reply = tell_encryption(reply, object.encryption, self.request.key.as_ref());
        let reply = match (self.request.selection, object.parts_count) {
            (Selection::Part(_), Some(count)) => {
                reply.amz("x-amz-mp-parts-count", count.to_string())
            }
            _ => reply,
        };
        let range = range.map(|range| range.content_range(object.size));
        let length = head.range.unwrap_or(ByteRange::whole(object.size)).length;
        reply.optional(CONTENT_RANGE, range).length(length)
    }

    /// When the bucket's rules have the object go.
    pub(super) async fn expiration(&self, ctx: &Context, head: &store::Head) -> Option<String> {
        lifecycle::expiration(ctx, &self.at, &head.object, None).await
    }

    /// Whether the head may be told: not of what is encrypted with a customer's key without it.
    pub(super) fn may_tell(&self, head: &store::Head) -> Result<(), S3Error> {
        may_tell(&head.object, self.request.key.as_ref())
    }

    /// The answer instead of an object: 304 is one, everything else an error.
    pub(super) fn refuse(&self, error: StoreError) -> Result<Reply, S3Error> {
        match error {
            StoreError::NotModified { etag, last_modified, caching } => {
                let reply = Reply::new(StatusCode::NOT_MODIFIED);
                let reply = object_reply::validators(reply, &etag, last_modified);
                Ok(object_reply::caching(reply, &caching, &self.overrides))
            }
            StoreError::InvalidRange { size } => Err(S3Error::invalid_range(size)
                .with("RangeRequested", self.range.clone().unwrap_or_default())),
            error @ StoreError::InvalidPartNumber { .. } => {
                Err(S3Error::from(error).with("PartNumberRequested", self.part_requested()))
            }
            other => Err(other.into()),
        }
    }

    fn part_requested(&self) -> String {
        match self.request.selection {
            Selection::Part(number) => number.get().to_string(),
            Selection::Whole | Selection::Range(_) => String::new(),
        }
    }

    /// Never on a range: clients compare what they are told with what they get.
    fn checksum(&self, reply: Reply, head: &store::Head) -> Reply {
        if !self.with_checksum {
            return reply;
        }
        match (&head.part, head.range) {
            (Some(part), _) => match &part.checksum {
                Some(value) => object_reply::part_checksum(reply, value, &head.object),
                None => reply,
            },
            (None, Some(range)) if range != ByteRange::whole(head.object.size) => reply,
            (None, Some(_)) if matches!(self.request.selection, Selection::Range(_)) => reply,
            (None, _) => match &head.object.checksum {
                Some(checksum) => object_reply::checksum(reply, checksum),
                None => reply,
            },
        }
    }
}

/// Whether an object's head may be told to who gave that key. A key that is given was judged.
pub(super) fn may_tell(object: &ObjectInfo, key: Option<&CustomerKey>) -> Result<(), S3Error> {
    match (object.encryption, key) {
        (Some(Encrypted::Customer), None) => Err(KeyFault::Missing.into()),
        _ => Ok(()),
    }
}

impl IfRange {
    fn parse(text: &str) -> Self {
        let text = text.trim();
        if text.starts_with("W/") {
            return Self::Never;
        }
        match Timestamp::parse_http_date(text).filter(|_| !text.starts_with('"')) {
            Some(date) => Self::Date(date),
            None => Self::Tag(ETag::parse(text)),
        }
    }

    fn matches(&self, object: &ObjectInfo) -> bool {
        match self {
            Self::Tag(tag) => *tag == object.etag,
            Self::Date(date) => *date == object.last_modified,
            Self::Never => false,
        }
    }
}

fn selection(head: &Head, range: Option<&str>) -> Result<Selection, S3Error> {
    match (range, head.parameter("partNumber")) {
        (Some(_), Some(_)) => Err(S3Error::invalid_request(
            "Cannot specify both Range header and partNumber query parameter",
        )),
        (_, Some(number)) => part_number(number).map(Selection::Part),
        // A range that cannot be read is no range.
        (range, None) => {
            Ok(range.and_then(RangeSpec::parse).map_or(Selection::Whole, Selection::Range))
        }
    }
}

/// The parameter `partNumber`.
pub(super) fn part_number(text: &str) -> Result<PartNumber, S3Error> {
    text.parse().ok().and_then(PartNumber::new).ok_or_else(|| {
        S3Error::invalid_argument(
            "partNumber",
            text,
            format!("Part number must be an integer between 1 and {MAX_PART_NUMBER}, inclusive"),
        )
    })
}

/// The parameters `response-*`. Only signed requests get as far as an operation.
fn overrides(head: &Head) -> Result<Overrides, S3Error> {
    let text = |name: &'static str| match head.parameter(name) {
        None | Some("") => Ok(None),
        Some(value) if HeaderValue::from_str(value).is_ok() => Ok(Some(value.to_owned())),
        Some(value) => Err(S3Error::invalid_argument(name, value, "Not a header's value")),
    };
    Ok(Overrides(ContentHeaders {
        content_type: text("response-content-type")?,
        content_encoding: text("response-content-encoding")?,
        content_language: text("response-content-language")?,
        content_disposition: text("response-content-disposition")?,
        cache_control: text("response-cache-control")?,
        expires: text("response-expires")?,
        website_redirect_location: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::error::Code;
    use crate::s3::header::tests::head;

    fn parse(target: &str, headers: &[(&str, &str)]) -> Result<ObjectRead, Code> {
        ObjectRead::parse(&head("GET", target, headers)).map_err(|error| error.code())
    }

    #[test]
    fn ranges_that_cannot_be_read_are_none() {
        let selection = |range| parse("/b12/k", &[("range", range)]).unwrap().request.selection;
        assert_eq!(selection("bytes=1-"), Selection::Range(RangeSpec::From { first: 1 }));
        for range in ["bytes=1-2,4-5", "lines=1-2", "bytes=2-1", ""] {
            assert_eq!(selection(range), Selection::Whole, "{range}");
        }
    }

    #[test]
    fn part_numbers_have_bounds_and_no_range_beside_them() {
        let part = parse("/b12/k?partNumber=10000", &[]).unwrap().request.selection;
        assert_eq!(part, Selection::Part(PartNumber::new(10_000).unwrap()));
        for number in ["0", "10001", "-1", "x", ""] {
            let read = parse(&format!("/b12/k?partNumber={number}"), &[]);
            assert_eq!(read.err(), Some(Code::InvalidArgument), "{number}");
        }
        let both = parse("/b12/k?partNumber=1", &[("range", "bytes=0-1")]);
        assert_eq!(both.err(), Some(Code::InvalidRequest));
    }

    #[test]
    fn overrides_are_headers_or_refused() {
        let read = parse("/b12/k?response-content-type=text/plain&response-expires=", &[]).unwrap();
        assert_eq!(read.overrides.0.content_type.as_deref(), Some("text/plain"));
        assert_eq!(read.overrides.0.expires, None);
        let broken = parse("/b12/k?response-cache-control=a%0Ab", &[]);
        assert_eq!(broken.err(), Some(Code::InvalidArgument));
    }

    #[test]
    fn if_range_takes_tags_and_dates() {
        assert_eq!(IfRange::parse("\"a\""), IfRange::Tag(ETag::parse("a")));
        assert_eq!(IfRange::parse("W/\"a\""), IfRange::Never);
        let date = IfRange::parse("Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(date, IfRange::Date(Timestamp(1_445_412_480_000)));
    }
}
