//! What a client says its body must come to: `Content-MD5`, and the additional checksums in a header or
//! announced for the trailer (S3 User Guide, "Checking object integrity").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Head;
use crate::body::Expected;
use crate::object::{Algorithm, ChecksumKind, ChecksumValue};
use crate::s3::error::{Code, S3Error};

const PREFIX: &str = "x-amz-checksum-";
const SDK_ALGORITHM: &str = "x-amz-sdk-checksum-algorithm";
const TRAILER: &str = "x-amz-trailer";

/// What the body must come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::s3) struct Integrity {
    /// `Content-MD5`.
    pub(in crate::s3) md5: Option<[u8; 16]>,
    /// A checksum in a header.
    pub(in crate::s3) checksum: Option<ChecksumValue>,
    /// The algorithm of a checksum that will come in the trailer.
    pub(in crate::s3) trailer: Option<Algorithm>,
}

impl Integrity {
    /// Reads the headers that speak of the body.
    pub(in crate::s3) fn parse(head: &Head) -> Result<Self, S3Error> {
        let md5 = content_md5(head)?;
        let checksum = match checksum_text(head)? {
            Some((algorithm, text)) => Some(checksum_value(algorithm, &text)?),
            None => None,
        };
        let trailer = trailer(head)?;
        if checksum.is_some() && trailer.is_some() {
            return Err(several_checksums());
        }
        let given = checksum.as_ref().map(|value| value.algorithm).or(trailer);
        check_named(head, given)?;
        Ok(Self { md5, checksum, trailer })
    }

    /// `Content-MD5` alone, where the other headers speak of something else than the body.
    pub(in crate::s3) fn parse_md5(head: &Head) -> Result<Self, S3Error> {
        Ok(Self { md5: content_md5(head)?, ..Self::default() })
    }

    /// Whether the client gave nothing to compare the body with.
    pub(in crate::s3) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The algorithm of the client's own checksum.
    pub(in crate::s3) fn algorithm(&self) -> Option<Algorithm> {
        self.checksum.as_ref().map(|value| value.algorithm).or(self.trailer)
    }

    /// What the body must come to; `compute` is computed where the client gave no checksum.
    pub(in crate::s3) fn expected(self, compute: Option<Algorithm>) -> Expected {
        let compute = compute.filter(|_| self.algorithm().is_none());
        Expected { md5: self.md5, checksum: self.checksum, trailer: self.trailer, compute }
    }
}

/// The one checksum header with its text, which for a composite checksum is not only a digest.
pub(in crate::s3) fn checksum_text(head: &Head) -> Result<Option<(Algorithm, String)>, S3Error> {
    let mut given = head
        .headers_from(PREFIX)
        .filter(|(name, _)| !matches!(*name, "algorithm" | "type" | "mode"));
    let Some((name, text)) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(several_checksums());
    }
    let algorithm =
        Algorithm::parse(name).ok_or_else(|| unsupported(&format!("{PREFIX}{name}")))?;
    Ok(Some((algorithm, text.trim().to_owned())))
}

/// A digest from its base64 form.
fn checksum_value(algorithm: Algorithm, text: &str) -> Result<ChecksumValue, S3Error> {
    ChecksumValue::parse(algorithm, text).map_err(|_| {
        let name = algorithm.header_name();
        S3Error::invalid_request(format!("Value for {name} header is invalid."))
    })
}

/// The algorithm in a header such as `x-amz-checksum-algorithm`.
pub(in crate::s3) fn algorithm(head: &Head, name: &str) -> Result<Option<Algorithm>, S3Error> {
    let Some(text) = head.header(name) else { return Ok(None) };
    Algorithm::parse(&text).map(Some).ok_or_else(|| unsupported(name))
}

/// `x-amz-checksum-type`.
pub(in crate::s3) fn checksum_kind(head: &Head) -> Result<Option<ChecksumKind>, S3Error> {
    let Some(text) = head.header("x-amz-checksum-type") else { return Ok(None) };
    ChecksumKind::parse(&text)
        .map(Some)
        .ok_or_else(|| S3Error::invalid_request("Value for x-amz-checksum-type header is invalid."))
}

fn content_md5(head: &Head) -> Result<Option<[u8; 16]>, S3Error> {
    let Some(text) = head.header("content-md5") else { return Ok(None) };
    let digest = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    digest
        .map(Some)
        .ok_or_else(|| S3Error::new(Code::InvalidDigest).with("Content-MD5", text.into_owned()))
}

/// The algorithm that the trailer announces. Only bodies in a framing that has trailers are asked.
fn trailer(head: &Head) -> Result<Option<Algorithm>, S3Error> {
    let framing = head.header("x-amz-content-sha256").unwrap_or_default();
    if !(framing.starts_with("STREAMING-") && framing.ends_with("-TRAILER")) {
        return Ok(None);
    }
    let Some(text) = head.header(TRAILER) else { return Ok(None) };
    let name = text.trim().to_ascii_lowercase();
    let algorithm = name.strip_prefix(PREFIX).and_then(Algorithm::parse);
    algorithm.map(Some).ok_or_else(|| {
        S3Error::invalid_request("The value specified in the x-amz-trailer header is not supported")
    })
}

/// `x-amz-sdk-checksum-algorithm` must name the checksum that is there.
fn check_named(head: &Head, given: Option<Algorithm>) -> Result<(), S3Error> {
    match (algorithm(head, SDK_ALGORITHM)?, given) {
        (Some(_), None) => Err(S3Error::invalid_request(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or \
             x-amz-trailer headers were found.",
        )),
        (Some(named), Some(given)) if named != given => Err(S3Error::invalid_request(
            "Value for x-amz-sdk-checksum-algorithm header is invalid.",
        )),
        _ => Ok(()),
    }
}

fn several_checksums() -> S3Error {
    S3Error::invalid_request(
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    )
}

fn unsupported(name: &str) -> S3Error {
    let names: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.wire_name()).collect();
    S3Error::invalid_request(format!(
        "The checksum algorithm in {name} is not supported. Supported are {}.",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::header::tests::head;

    const STREAMING: (&str, &str) = ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");

    fn parse(headers: &[(&str, &str)]) -> Result<Integrity, Code> {
        Integrity::parse(&head("PUT", "/b12/k", headers)).map_err(|error| error.code())
    }

    #[test]
    fn nothing_given_is_nothing_expected_but_something_computed() {
        let integrity = parse(&[("x-amz-checksum-mode", "ENABLED")]).unwrap();
        assert!(integrity.is_empty());
        let expected = integrity.expected(Some(Algorithm::Crc64Nvme));
        assert_eq!(expected.compute, Some(Algorithm::Crc64Nvme));
    }

    #[test]
    fn a_header_checksum_is_compared_and_nothing_else_computed() {
        let integrity =
            parse(&[("x-amz-checksum-crc32", "AAAAAA=="), (SDK_ALGORITHM, "crc32")]).unwrap();
        assert_eq!(integrity.algorithm(), Some(Algorithm::Crc32));
        assert_eq!(integrity.expected(Some(Algorithm::Crc64Nvme)).compute, None);
    }

    #[test]
    fn the_trailer_counts_only_in_framings_that_have_one() {
        let trailer = (TRAILER, "X-Amz-Checksum-Sha256");
        assert_eq!(parse(&[STREAMING, trailer]).unwrap().trailer, Some(Algorithm::Sha256));
        assert_eq!(parse(&[trailer]).unwrap().trailer, None);
        assert_eq!(parse(&[STREAMING, (TRAILER, "x-amz-meta-a")]), Err(Code::InvalidRequest));
    }

    #[test]
    fn unreadable_contradicting_and_repeated_checksums_are_refused() {
        for headers in [
            &[("x-amz-checksum-crc32", "AAAAAAA=")][..],
            &[("x-amz-checksum-crc32", "?")],
            &[("x-amz-checksum-md5", "AAAAAA==")],
            &[("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-checksum-crc32c", "AAAAAA==")],
            &[("x-amz-checksum-crc32", "AAAAAA=="), (SDK_ALGORITHM, "SHA1")],
            &[("x-amz-checksum-crc32", "AAAAAA=="), STREAMING, (TRAILER, "x-amz-checksum-crc32")],
            &[(SDK_ALGORITHM, "CRC32")],
            &[(SDK_ALGORITHM, "XXHASH64")],
        ] {
            assert_eq!(parse(headers), Err(Code::InvalidRequest), "{headers:?}");
        }
    }

    #[test]
    fn content_md5_is_sixteen_bytes_of_base64() {
        assert!(parse(&[("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")]).unwrap().md5.is_some());
        for text in ["", "AAAA", "not base64!", "1B2M2Y8AsgTpgAmY7PhCfg"] {
            assert_eq!(parse(&[("content-md5", text)]), Err(Code::InvalidDigest), "{text}");
        }
    }
}
