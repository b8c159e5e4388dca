//! The query, decoded.

use crate::object::percent::{self, Plus};
use crate::s3::error::{Code, S3Error};

/// Names and values in the order they came. Names are case-sensitive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::s3) struct Query(Vec<(String, String)>);

impl Query {
    /// Splits at `&`, each at its first `=`; a name without one has an empty value.
    pub(in crate::s3) fn parse(raw: &str) -> Result<Self, S3Error> {
        let decode = |text: &str| {
            percent::decode(text, Plus::Space)
                .map_err(|percent::Malformed| S3Error::new(Code::InvalidURI).with("URI", raw))
        };
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        };
        raw.split('&').filter(|text| !text.is_empty()).map(pair).collect::<Result<_, _>>().map(Self)
    }

    /// The first value of that name.
    pub(in crate::s3) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(n, value)| (n == name).then_some(value))
    }

    /// Whether the name is there, with or without a value.
    pub(in crate::s3) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Every pair.
    pub(in crate::s3) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same with this value for a name.
    pub(in crate::s3) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Whether the query is that of a presigned URL. Whether the signature holds is not asked
    /// here: a request whose signature does not hold never gets as far as an operation.
    pub(in crate::s3) fn is_presigned(&self) -> bool {
        let has = |wanted: &str| self.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        has("X-Amz-Signature") || (self.has("Signature") && self.has("AWSAccessKeyId"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_values_and_first_of_many() {
        let query = Query::parse("uploads&&prefix=a=b%2F+c&prefix=d&marker=").unwrap();
        assert!(query.has("uploads") && query.has("marker") && !query.has("Uploads"));
        assert_eq!(query.get("prefix"), Some("a=b/ c"));
        assert_eq!(query.get("marker"), Some(""));
        assert_eq!(query.iter().count(), 4);
    }

    #[test]
    fn broken_escapes_are_refused() {
        assert_eq!(Query::parse("a=%").unwrap_err().code(), Code::InvalidURI);
        assert_eq!(Query::parse("%ff=a").unwrap_err().code(), Code::InvalidURI);
    }
}
