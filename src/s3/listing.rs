//! What the listings share: limits, the encoding of keys, and the lines of a page.

use std::borrow::Cow;

use super::error::S3Error;
use super::xml::Writer;
use crate::object::percent::{self, Slash};
use crate::object::{
    Algorithm, Checksum, ChecksumKind, ChecksumValue, ETag, ListEntry, ObjectKey, Owner, Timestamp,
};

/// The longest page, and the length of one where nothing is said.
const MAX_PAGE: usize = 1000;

/// How keys and prefixes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Encoding {
    /// As they are; what XML cannot carry becomes references that strict parsers refuse.
    #[default]
    Plain,
    /// Percent-encoded: `encoding-type=url`.
    Url,
}

impl Encoding {
    /// Reads `encoding-type`.
    pub(super) fn parse(value: Option<&str>) -> Result<Self, S3Error> {
        match value {
            None | Some("") => Ok(Self::Plain),
            Some("url") => Ok(Self::Url),
            Some(other) => Err(S3Error::invalid_argument(
                "encoding-type",
                other,
                "Invalid Encoding Method specified in Request",
            )),
        }
    }

    /// The text as the page shows it.
    pub(super) fn apply(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Plain => Cow::Borrowed(text),
            Self::Url => Cow::Owned(percent::encode(text, Slash::Keep)),
        }
    }

    /// Writes an element whose text is encoded.
    pub(super) fn text(self, writer: &mut Writer, name: &str, text: &str) {
        writer.text(name, &self.apply(text));
    }

    /// The same, where there is any text.
    pub(super) fn optional(self, writer: &mut Writer, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(writer, name, text);
        }
    }

    /// Echoes `EncodingType`, where there is one.
    pub(super) fn echo(self, writer: &mut Writer) {
        if self == Self::Url {
            writer.text("EncodingType", "url");
        }
    }
}

/// Reads `max-keys`, `max-uploads` or `max-parts`: 0 to 2^31-1, cut to a page's greatest length.
pub(super) fn parse_limit(name: &'static str, value: Option<&str>) -> Result<usize, S3Error> {
    match value {
        None | Some("") => Ok(MAX_PAGE),
        Some(text) => {
            let limit = parse_count(name, text)?;
            Ok(usize::try_from(limit).map_or(MAX_PAGE, |limit| limit.min(MAX_PAGE)))
        }
    }
}

/// Reads a number from 0 to 2^31-1.
pub(super) fn parse_count(name: &'static str, text: &str) -> Result<u32, S3Error> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = plain.then(|| text.parse::<u32>().ok()).flatten();
    number.filter(|&number| i32::try_from(number).is_ok()).ok_or_else(|| {
        S3Error::invalid_argument(
            name,
            text,
            "Provided argument is not an integer or not within the allowed range",
        )
    })
}

/// Writes `Owner` or `Initiator`.
pub(super) fn write_owner(writer: &mut Writer, name: &str, owner: &Owner) {
    writer.element(name, |writer| {
        writer.text("ID", &owner.id);
        writer.text("DisplayName", &owner.display_name);
    });
}

/// Writes `CommonPrefixes`.
pub(super) fn write_common_prefix(writer: &mut Writer, encoding: Encoding, prefix: &str) {
    writer.element("CommonPrefixes", |writer| encoding.text(writer, "Prefix", prefix));
}

/// An object's line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    key: &'a ObjectKey,
    size: u64,
    etag: &'a ETag,
    last_modified: Timestamp,
    checksum: Option<(Algorithm, ChecksumKind)>,
    storage_class: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// The line of an entry that is an object.
    pub(super) fn of(entry: &'a ListEntry) -> Option<Self> {
        match entry {
            ListEntry::Object { key, size, etag, last_modified, checksum, storage_class } => {
                Some(Self {
                    key,
                    size: *size,
                    etag,
                    last_modified: *last_modified,
                    checksum: *checksum,
                    storage_class: storage_class.as_deref(),
                })
            }
            ListEntry::CommonPrefix(_) => None,
        }
    }

    /// Writes `Key`.
    pub(super) fn write_key(self, writer: &mut Writer, encoding: Encoding) {
        encoding.text(writer, "Key", self.key.as_str());
    }

    /// Writes everything after the key.
    pub(super) fn write_rest(self, writer: &mut Writer, owner: Option<&Owner>) {
        writer.text("LastModified", &self.last_modified.iso8601());
        writer.text("ETag", &self.etag.quoted());
        if let Some((algorithm, kind)) = self.checksum {
            writer.text("ChecksumAlgorithm", algorithm.wire_name());
            writer.text("ChecksumType", kind.wire());
        }
        writer.value("Size", self.size);
        if let Some(owner) = owner {
            write_owner(writer, "Owner", owner);
        }
        write_storage_class(writer, self.storage_class);
    }
}

/// Writes `StorageClass`, which listings always show.
pub(super) fn write_storage_class(writer: &mut Writer, class: Option<&str>) {
    writer.text("StorageClass", class.unwrap_or("STANDARD"));
}

/// Writes `ChecksumCRC32` or its like.
pub(super) fn write_checksum_value(writer: &mut Writer, value: &ChecksumValue) {
    writer.text(checksum_element(value.algorithm), &value.to_base64());
}

/// Writes an object's checksum and its type.
pub(super) fn write_checksum(writer: &mut Writer, checksum: &Checksum) {
    writer.text(checksum_element(checksum.value.algorithm), &checksum.wire_value());
    writer.text("ChecksumType", checksum.kind.wire());
}

fn checksum_element(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Crc32 => "ChecksumCRC32",
        Algorithm::Crc32c => "ChecksumCRC32C",
        Algorithm::Crc64Nvme => "ChecksumCRC64NVME",
        Algorithm::Sha1 => "ChecksumSHA1",
        Algorithm::Sha256 => "ChecksumSHA256",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::error::Code;

    #[test]
    fn a_limit_is_a_plain_number_and_cut_to_a_thousand() {
        let limit = |text| parse_limit("max-keys", text).map_err(|error| error.code());
        assert_eq!(limit(None), Ok(1000));
        assert_eq!(limit(Some("")), Ok(1000));
        assert_eq!(limit(Some("0")), Ok(0));
        assert_eq!(limit(Some("7")), Ok(7));
        assert_eq!(limit(Some("1001")), Ok(1000));
        assert_eq!(limit(Some("2147483647")), Ok(1000));
        for text in ["-1", "+1", " 1", "blah", "1.0", "2147483648", "99999999999999999999"] {
            assert_eq!(limit(Some(text)), Err(Code::InvalidArgument), "{text}");
        }
    }

    #[test]
    fn the_encoding_is_url_or_none() {
        assert_eq!(Encoding::parse(None).unwrap(), Encoding::Plain);
        assert_eq!(Encoding::parse(Some("url")).unwrap().apply("a +/é"), "a%20%2B/%C3%A9");
        assert_eq!(Encoding::Plain.apply("a +"), "a +");
        let refused = Encoding::parse(Some("base64")).unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}
