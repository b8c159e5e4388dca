//! A request's head as operations see it: typed access to headers and parameters.
//!
//! The `x-amz-*` inputs that a presigned URL carries in its query are read like headers, so that no
//! operation has to know how it was called. The checksums among them are not: presigners bake in
//! that of the empty body they had.

mod checksum;
mod condition;
mod content;
mod encryption;
mod query;
mod refuse;

use std::borrow::Cow;
use std::net::IpAddr;

use http::header::{REFERER, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::addressing::{self, Target};
use super::error::{Code, S3Error};
use super::request_facts::{ClientAddress, Nearby};
use crate::auth::FormField;
use crate::object::{BucketName, ObjectKey, VersionId};
use crate::store::ObjectPath;

pub(super) use checksum::{Integrity, algorithm, checksum_kind, checksum_text};
pub(super) use condition::{copy_conditions, read_conditions, write_condition};
pub(super) use content::{object_metadata, tags};
pub(super) use encryption::{
    completing_key, customer_key, encryption, source_key, tell_encryption,
};
pub(super) use query::Query;
pub(super) use refuse::refuse_unserved;

/// The field of a form that has an object's tags, as a document.
pub(super) const FORM_TAGS: &str = "tagging";
/// What a browser says of itself with a form, beside the fields.
const SAID_OF_FORMS: [HeaderName; 2] = [REFERER, USER_AGENT];

/// A request's head.
#[derive(Debug)]
pub(super) struct Head {
    method: Method,
    target: Target,
    query: Query,
    headers: HeaderMap,
    origin: String,
    client: Option<IpAddr>,
    encrypted: bool,
    nearby: bool,
    /// The fields of a form; none where the request is none.
    fields: Vec<FormField>,
    /// Whether the key is another than the request's.
    renamed: bool,
    /// The unique part in that.
    unique: Option<String>,
}

/// Put into the extensions of a request whose client's connection is encrypted.
#[derive(Debug, Clone, Copy)]
pub struct Encrypted;

impl Head {
    /// Reads a request's head. `target` is what addressing made of it.
    pub(super) fn new(parts: &Parts, target: Target) -> Result<Self, S3Error> {
        let query = Query::parse(parts.uri.query().unwrap_or_default())?;
        let mut headers = parts.headers.clone();
        if query.is_presigned() {
            hoist(&query, &mut headers)?;
        }
        Ok(Self {
            query,
            headers,
            origin: origin(parts),
            client: parts.extensions.get().map(|ClientAddress(address)| *address),
            encrypted: parts.extensions.get::<Encrypted>().is_some(),
            nearby: parts.extensions.get::<Nearby>().is_some(),
            ..Self::plain(&parts.method, target)
        })
    }

    /// The head of the upload that a form in this request asks for. Of the request's own headers
    /// and parameters none counts but what policies ask of whoever sent it.
    pub(super) fn of_form(
        &self,
        key: ObjectKey,
        mut headers: HeaderMap,
        fields: Vec<FormField>,
    ) -> Self {
        for name in SAID_OF_FORMS {
            if let Some(value) = self.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        let target = Target { key: Some(key), ..self.target.clone() };
        Self {
            headers,
            origin: self.origin.clone(),
            client: self.client,
            encrypted: self.encrypted,
            nearby: self.nearby,
            fields,
            ..Self::plain(&self.method, target)
        }
    }

    /// The head of the same request for another key, with the unique part in that.
    pub(super) fn renamed(mut self, key: ObjectKey, unique: Option<String>) -> Self {
        self.target.key = Some(key);
        (self.renamed, self.unique) = (true, unique);
        self
    }

    /// The same head with another value of a parameter.
    pub(super) fn with_parameter(mut self, name: &str, value: &str) -> Self {
        let value = value.to_owned();
        self.query = self.query.with(name, &value);
        self
    }

    /// The key that the object has instead of the request's.
    pub(super) fn other_key(&self) -> Option<&ObjectKey> {
        self.target.key.as_ref().filter(|_| self.renamed)
    }

    /// The unique part in the key.
    pub(super) fn unique(&self) -> Option<&str> {
        self.unique.as_deref()
    }

    /// The first field of that lower-case name in a form.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        Some(field.value.as_str())
    }

    /// Whether nobody can have listened on the way: it came over TLS, or straight from this machine.
    pub(super) fn is_secure(&self) -> bool {
        self.encrypted || self.nearby
    }

    /// The head of a request for a website's page: its parameters mean nothing there.
    pub(super) fn of_page(parts: &Parts, method: &Method, target: Target) -> Self {
        Self {
            headers: parts.headers.clone(),
            client: parts.extensions.get().map(|ClientAddress(address)| *address),
            encrypted: parts.extensions.get::<Encrypted>().is_some(),
            nearby: parts.extensions.get::<Nearby>().is_some(),
            ..Self::plain(method, target)
        }
    }

    /// A head that says nothing but what it is about.
    pub(super) fn plain(method: &Method, target: Target) -> Self {
        Self {
            method: method.clone(),
            target,
            query: Query::default(),
            headers: HeaderMap::new(),
            origin: String::new(),
            client: None,
            encrypted: false,
            nearby: false,
            fields: Vec::new(),
            renamed: false,
            unique: None,
        }
    }

    /// Scheme and host as the client named them, for addresses that lead back here; empty where
    /// it named none.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The client's address, where it is known.
    pub(super) fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// Whether the request came over TLS.
    pub(super) fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// The method.
    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// What it is about.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// The query.
    pub(super) fn query(&self) -> &Query {
        &self.query
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name)
    }

    /// A header as text: UTF-8, or else Latin-1; repeated ones joined by commas.
    pub(super) fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self.headers.get_all(name).iter();
        let first = text(values.next()?);
        Some(values.fold(first, |joined, value| Cow::Owned(format!("{joined},{}", text(value)))))
    }

    /// Whether there is such a header, even an empty one.
    pub(super) fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// Headers whose names start with `prefix`: the rest of the name, and the value.
    pub(super) fn headers_from(&self, prefix: &str) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.headers.iter().filter_map(move |(name, value)| {
            Some((name.as_str().strip_prefix(prefix)?, text(value)))
        })
    }

    /// The bucket. Routing gives bucket operations only to requests that have one.
    pub(super) fn bucket(&self) -> Result<&BucketName, S3Error> {
        self.target.bucket.as_ref().ok_or_else(|| S3Error::internal("routed without a bucket"))
    }

    /// The object. Routing gives object operations only to requests that have one.
    pub(super) fn object(&self) -> Result<ObjectPath, S3Error> {
        let key: Option<&ObjectKey> = self.target.key.as_ref();
        let key = key.ok_or_else(|| S3Error::internal("routed without a key"))?;
        Ok(ObjectPath { bucket: self.bucket()?.clone(), key: key.clone() })
    }

    /// The parameter `versionId`.
    pub(super) fn version(&self) -> Result<Option<VersionId>, S3Error> {
        let Some(text) = self.parameter("versionId") else { return Ok(None) };
        let version = VersionId::parse(text);
        version.map(Some).ok_or_else(|| {
            S3Error::invalid_argument("versionId", text, "Invalid version id specified")
        })
    }
}

fn origin(parts: &Parts) -> String {
    let encrypted = parts.extensions.get::<Encrypted>().is_some();
    match (addressing::public_host(parts), encrypted) {
        ("", _) => String::new(),
        (host, true) => format!("https://{host}"),
        (host, false) => format!("http://{host}"),
    }
}

/// Copies the operation's inputs out of a presigned query, where no header says otherwise.
fn hoist(query: &Query, headers: &mut HeaderMap) -> Result<(), S3Error> {
    for (name, value) in query.iter() {
        let name = name.to_ascii_lowercase();
        if is_customer_key(&name) {
            // Neither the value, which may be a key, nor the name as it came is repeated.
            let message = "Parameters of encryption with customer provided keys are taken from \
                           headers alone, and not from a presigned URL.";
            return Err(S3Error::new(Code::InvalidArgument).message(message));
        }
        if !is_input(&name) || headers.contains_key(&name) {
            continue;
        }
        let invalid = || S3Error::invalid_argument("x-amz-*", value, "Not a header's value");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| invalid())?);
    }
    Ok(())
}

/// Whether a query parameter speaks of a customer's key, an object's or a copy's source's. A key in
/// a URL would be everywhere that URLs are; and who sends one must not find the object stored in
/// the clear.
fn is_customer_key(name: &str) -> bool {
    name.strip_prefix("x-amz-").is_some_and(|it| it.contains("server-side-encryption-customer-"))
}

/// Whether a query parameter is an operation's input rather than part of the signature, and not a
/// checksum of a body that the presigner did not have.
fn is_input(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("x-amz-") else { return false };
    match rest {
        "algorithm"
        | "credential"
        | "date"
        | "expires"
        | "signedheaders"
        | "signature"
        | "security-token"
        | "content-sha256"
        | "sdk-checksum-algorithm"
        | "trailer" => false,
        "checksum-mode" | "checksum-algorithm" | "checksum-type" => true,
        other => !other.starts_with("checksum-"),
    }
}

fn text(value: &HeaderValue) -> Cow<'_, str> {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(value.as_bytes().iter().copied().map(char::from).collect()),
    }
}

#[cfg(test)]
pub(super) mod tests {

    use super::*;
    use crate::s3::addressing::{BaseDomains, resolve};
    use crate::s3::error::Code;
    use crate::s3::request_facts::PublicHost;

    /// The head of a path-style request.
    pub(in crate::s3) fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> Head {
        of(http::Request::builder().method(method).uri(target), headers)
    }

    /// The same of one that came from this machine.
    pub(in crate::s3) fn near(method: &str, target: &str, headers: &[(&str, &str)]) -> Head {
        of(http::Request::builder().method(method).uri(target).extension(Nearby), headers)
    }

    fn of(mut request: http::request::Builder, headers: &[(&str, &str)]) -> Head {
        for (name, value) in headers {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let parts = request.body(()).unwrap().into_parts().0;
        let target = resolve(&BaseDomains::default(), &parts).unwrap();
        Head::new(&parts, target).unwrap()
    }

    #[test]
    fn presigned_inputs_are_headers_but_signature_and_checksums_are_not() {
        let head = head(
            "PUT",
            "/b12/k?X-Amz-Signature=s&x-amz-meta-A=%C3%BC&x-amz-checksum-crc32=AAAAAA%3D%3D\
             &x-amz-sdk-checksum-algorithm=CRC32&X-Amz-Checksum-Mode=ENABLED&x-amz-acl=private",
            &[("x-amz-acl", "public-read")],
        );
        assert_eq!(head.header("x-amz-meta-a").as_deref(), Some("ü"));
        assert_eq!(head.header("x-amz-checksum-mode").as_deref(), Some("ENABLED"));
        assert_eq!(head.header("x-amz-acl").as_deref(), Some("public-read"));
        for absent in ["x-amz-signature", "x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm"] {
            assert!(!head.has_header(absent), "{absent}");
        }
    }

    #[test]
    fn the_query_of_an_unsigned_url_is_no_header() {
        let head = head("PUT", "/b12/k?x-amz-acl=private", &[]);
        assert!(!head.has_header("x-amz-acl"));
    }

    #[test]
    fn the_origin_is_the_host_that_was_named_with_its_scheme() {
        let origin = |request: http::request::Builder| {
            let parts = request.body(()).unwrap().into_parts().0;
            Head::new(&parts, Target::default()).unwrap().origin().to_owned()
        };
        let get = || http::Request::get("/b12/k").header("host", "S3.local:9000");
        assert_eq!(origin(get()), "http://S3.local:9000");
        assert_eq!(origin(get().extension(Encrypted)), "https://S3.local:9000");
        let two = http::Request::get("https://s3.local/b12/k").version(http::Version::HTTP_2);
        assert_eq!(origin(two.extension(Encrypted)), "https://s3.local");
        assert_eq!(origin(http::Request::get("/b12/k")), "");
        let public = || get().extension(PublicHost("cdn.example.com".to_owned()));
        assert_eq!(origin(public()), "http://cdn.example.com");
        assert_eq!(origin(public().extension(Encrypted)), "https://cdn.example.com");
    }

    #[test]
    fn header_text_is_utf8_or_else_latin1_and_repetitions_are_joined() {
        let request = http::Request::get("/b12")
            .header("a", HeaderValue::from_bytes(b"\xfc").unwrap())
            .header("a", HeaderValue::from_bytes("ü".as_bytes()).unwrap());
        let parts = request.body(()).unwrap().into_parts().0;
        let head = Head::new(&parts, Target::default()).unwrap();
        assert_eq!(head.header("A").as_deref(), Some("ü,ü"));
    }

    #[test]
    fn version_ids_are_read_and_others_refused() {
        assert_eq!(head("GET", "/b12/k", &[]).version().unwrap(), None);
        let null = head("GET", "/b12/k?versionId=null", &[]);
        assert_eq!(null.version().unwrap(), Some(VersionId::Null));
        for text in ["", "x", "NULL"] {
            let head = head("GET", &format!("/b12/k?versionId={text}"), &[]);
            assert_eq!(head.version().unwrap_err().code(), Code::InvalidArgument);
        }
    }
}
