//! The credential scope of Signature Version 4: which key, for which day, region and service.

use super::date;

/// The service that this gateway is.
pub(super) const SERVICE: &str = "s3";
/// The service that it is to those who ask for credentials.
pub(super) const STS: &str = "sts";
const TERMINATOR: &str = "aws4_request";

/// `access_key/date/region/service/aws4_request`, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Credential<'a> {
    /// The whole, which names the signing key.
    pub(super) whole: &'a str,
    pub(super) access_key: &'a str,
    /// `yyyyMMdd`.
    pub(super) date: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    /// All but the access key: the scope as it is signed.
    pub(super) scope: &'a str,
}

/// What is wrong with a credential, in words for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ScopeError {
    #[error(
        "the Credential is mal-formed; expecting \
         \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
    )]
    Shape,
    #[error("a non-empty Access Key (AKID) must be provided in the credential.")]
    NoAccessKey,
    #[error(
        "incorrect date format \"{0}\". This date in the credential must be in the format \
         \"yyyyMMdd\"."
    )]
    Date(String),
    #[error("incorrect service \"{0}\". This endpoint belongs to \"{1}\".")]
    Service(String, &'static str),
    #[error("incorrect terminal \"{0}\". This endpoint uses \"aws4_request\".")]
    Terminator(String),
}

impl<'a> Credential<'a> {
    /// Takes a credential apart, from the right: access keys may contain slashes.
    pub(super) fn parse(whole: &'a str) -> Result<Self, ScopeError> {
        let mut parts = whole.rsplitn(5, '/');
        let mut next = || parts.next().ok_or(ScopeError::Shape);
        let (terminator, service, region, date, access_key) =
            (next()?, next()?, next()?, next()?, next()?);
        let scope = whole
            .strip_prefix(access_key)
            .and_then(|rest| rest.strip_prefix('/'))
            .ok_or(ScopeError::Shape)?;
        if access_key.is_empty() {
            return Err(ScopeError::NoAccessKey);
        }
        if !date::is_day(date) {
            return Err(ScopeError::Date(date.to_owned()));
        }
        if terminator != TERMINATOR {
            return Err(ScopeError::Terminator(terminator.to_owned()));
        }
        Ok(Self { whole, access_key, date, region, service, scope })
    }

    /// Refuses a scope for another service than that one.
    pub(super) fn for_service(self, service: &'static str) -> Result<Self, ScopeError> {
        if self.service == service {
            Ok(self)
        } else {
            Err(ScopeError::Service(self.service.to_owned(), service))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_split_from_the_right() {
        let credential = Credential::parse("team/a/20130524/us-east-1/s3/aws4_request").unwrap();
        assert_eq!(credential.access_key, "team/a");
        assert_eq!(credential.date, "20130524");
        assert_eq!(credential.region, "us-east-1");
        assert_eq!(credential.scope, "20130524/us-east-1/s3/aws4_request");
        assert_eq!(credential.for_service(SERVICE), Ok(credential));
    }

    #[test]
    fn every_fault_has_its_own_words() {
        let fault =
            |text| Credential::parse(text).and_then(|it| it.for_service(SERVICE)).unwrap_err();
        assert_eq!(fault(""), ScopeError::Shape);
        assert_eq!(fault("20130524/us-east-1/s3/aws4_request"), ScopeError::Shape);
        assert_eq!(fault("/20130524/us-east-1/s3/aws4_request"), ScopeError::NoAccessKey);
        assert_eq!(fault("A/130524/us-east-1/s3/aws4_request"), ScopeError::Date("130524".into()));
        assert_eq!(fault("A/20130524//iam/aws4_request"), ScopeError::Service("iam".into(), "s3"));
        assert_eq!(fault("A/20130524/r/s3/aws5"), ScopeError::Terminator("aws5".into()));
    }
}
