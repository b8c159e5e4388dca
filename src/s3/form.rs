//! A browser's form (S3 API Reference, "POST Object"): its fields, read within bounds, and what they
//! make of the request. The file is left to whoever verifies them.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::addressing::key_too_long;
use super::error::{Code, S3Error};
use super::header::Head;
use crate::auth::FormField;
use crate::body::{BodyError, FormData, Payload};
use crate::object::{InvalidKey, ObjectKey};

/// The most bytes of the names and values of all fields before the file (API Reference, POST
/// Object).
const MAX_FIELDS: usize = 20 * 1024;
/// The most bytes in which they may come.
const MAX_FRAMING: usize = 64 * 1024;
/// What stands for the file's name in a field.
const FILE_NAME: &str = "${filename}";
/// Fields that are what their names say, without being headers of the object.
const NO_HEADERS: [&str; 9] = [
    "x-amz-algorithm",
    "x-amz-copy-source",
    "x-amz-credential",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-tagging",
    "x-amz-trailer",
];
/// Fields of the headers that are stored or compared.
const HEADERS: [&str; 7] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "expires",
];

/// A form whose file is still to be read.
pub(super) struct Form {
    /// The fields, the bucket that it was sent to among them.
    pub(super) fields: Vec<FormField>,
    /// The file's content.
    pub(super) file: Payload,
}

impl Form {
    /// Reads everything up to the file.
    pub(super) async fn read(head: &Head, body: Payload) -> Result<Self, S3Error> {
        let content_type = head.header("content-type").unwrap_or_default();
        let mut form = FormData::new(&content_type, body, MAX_FRAMING)?;
        let mut fields = Vec::new();
        let mut size = 0;
        while let Some(part) = form.next_part().await.map_err(fault)? {
            let name = part.name.to_ascii_lowercase();
            if name == "file" {
                substitute(&mut fields, part.file_name.as_deref().unwrap_or_default());
                let bucket = head.bucket()?.as_str().to_owned();
                fields.push(FormField { name: "bucket".to_owned(), value: bucket });
                return Ok(Self { fields, file: form.into_content() });
            }
            let value = form.value().await.map_err(fault)?;
            size += name.len() + value.len();
            if size > MAX_FIELDS {
                return Err(S3Error::new(Code::MaxPostPreDataLengthExceeded));
            }
            let value = String::from_utf8(value)
                .map_err(|_| BodyError::Form("a field's value is not in UTF-8"))?;
            fields.push(FormField { name, value });
        }
        Err(S3Error::invalid_argument(
            "file",
            "0",
            "POST requires exactly one file upload per request.",
        ))
    }

    /// The head of the upload that the form asks for: the key in its target, and the fields in the
    /// place of headers.
    pub(super) fn head(&self, head: &Head) -> Result<Head, S3Error> {
        let mut headers = HeaderMap::new();
        for FormField { name, value } in &self.fields {
            if let Some(name) = header_of(name) {
                let invalid = || {
                    let message = "The field's value cannot be stored.";
                    S3Error::invalid_argument("x-amz-*", value.as_str(), message)
                };
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
                headers.append(
                    name,
                    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid())?,
                );
            }
        }
        Ok(head.of_form(self.key()?, headers, self.fields.clone()))
    }

    fn key(&self) -> Result<ObjectKey, S3Error> {
        let key = self.fields.iter().find(|field| field.name == "key");
        let key = key.map(|field| field.value.as_str()).unwrap_or_default();
        ObjectKey::parse(key).map_err(|error| match error {
            InvalidKey::TooLong(size) => key_too_long(size),
            InvalidKey::Empty => S3Error::invalid_argument(
                "key",
                "",
                "Bucket POST must contain a field named 'key'.  If it is specified, please check \
                 the order of the fields.",
            ),
        })
    }
}

/// The header that a field stands for.
fn header_of(field: &str) -> Option<&str> {
    match field {
        "acl" => Some("x-amz-acl"),
        name if HEADERS.contains(&name) => Some(name),
        name if name.starts_with("x-amz-") && !NO_HEADERS.contains(&name) => Some(name),
        _ => None,
    }
}

/// Puts the file's name, without any path before it, where a field asks for it.
fn substitute(fields: &mut [FormField], path: &str) {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    for field in fields.iter_mut().filter(|field| field.name != "policy") {
        if field.value.contains(FILE_NAME) {
            field.value = field.value.replace(FILE_NAME, name);
        }
    }
}

fn fault(error: BodyError) -> S3Error {
    match error {
        BodyError::TooLarge { .. } => S3Error::new(Code::MaxPostPreDataLengthExceeded),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn substituted(value: &str, path: &str) -> String {
        let mut fields = [FormField { name: "key".to_owned(), value: value.to_owned() }];
        substitute(&mut fields, path);
        fields[0].value.clone()
    }

    #[test]
    fn the_file_s_name_is_the_last_component_of_its_path() {
        for (path, name) in [
            ("cat.jpg", "a/cat.jpg"),
            ("C:\\pictures\\cat.jpg", "a/cat.jpg"),
            ("/home/me/cat.jpg", "a/cat.jpg"),
            ("../../cat.jpg", "a/cat.jpg"),
            ("dir/", "a/"),
            ("", "a/"),
            ("${filename}", "a/${filename}"),
        ] {
            assert_eq!(substituted("a/${filename}", path), name, "{path}");
        }
        assert_eq!(substituted("${filename}-${filename}", "x"), "x-x");
        assert_eq!(substituted("plain", "x"), "plain");
    }

    #[test]
    fn fields_stand_for_headers_but_signatures_do_not() {
        for (field, header) in [
            ("acl", Some("x-amz-acl")),
            ("content-type", Some("content-type")),
            ("x-amz-meta-a", Some("x-amz-meta-a")),
            ("x-amz-storage-class", Some("x-amz-storage-class")),
            ("x-amz-checksum-sha256", Some("x-amz-checksum-sha256")),
            ("x-amz-signature", None),
            ("x-amz-copy-source", None),
            ("x-amz-tagging", None),
            ("tagging", None),
            ("if-match", None),
            ("host", None),
            ("key", None),
        ] {
            assert_eq!(header_of(field), header, "{field}");
        }
    }
}
