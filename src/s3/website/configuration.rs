//! What a bucket's website is: index and error documents, redirects. Pure.

use bytes::Bytes;
use http::StatusCode;

use crate::object::{BucketSetting, percent};
use crate::s3::configured::Configuration;
use crate::s3::error::S3Error;
use crate::s3::xml::{
    self, RedirectAllDocument, RedirectDocument, RoutingRuleDocument, WebsiteDocument,
};

/// The most routing rules.
const MAX_RULES: usize = 50;
const NO_PROTOCOL: &str = "Invalid protocol, protocol can be http or https. If not defined the \
                           protocol will be selected automatically.";

/// A bucket's website.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::s3) enum Website {
    /// Everything is somewhere else.
    Moved(RedirectAllDocument),
    /// Objects are pages.
    Pages(Pages),
}

/// Objects as pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::s3) struct Pages {
    /// What a directory's page is called.
    pub(in crate::s3) suffix: String,
    /// The key of the page that is shown instead of an error.
    pub(in crate::s3) error: Option<String>,
    rules: Vec<RoutingRuleDocument>,
}

/// Where a request came in: what a redirect is relative to.
#[derive(Debug, Clone, Copy)]
pub(in crate::s3) struct Entrance<'a> {
    /// `http` or `https`.
    pub(in crate::s3) protocol: &'a str,
    /// The host as the client named it.
    pub(in crate::s3) host: &'a str,
    /// What follows the key: `?` and the query, or nothing.
    pub(in crate::s3) query: &'a str,
}

/// A redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::s3) struct Redirect {
    /// Its status.
    pub(in crate::s3) status: StatusCode,
    /// Where to.
    pub(in crate::s3) location: String,
}

impl Configuration for Website {
    const SETTING: BucketSetting = BucketSetting::Website;

    fn check(bytes: &[u8]) -> Result<Bytes, S3Error> {
        let document = WebsiteDocument::parse(bytes)?;
        match &document.redirect_all {
            Some(all) => check_redirect_all(&document, all)?,
            None => check_pages(&document)?,
        }
        Ok(xml::document(WebsiteDocument::ROOT, |writer| document.write(writer)))
    }

    fn read(bytes: &[u8]) -> Result<Self, S3Error> {
        let document = WebsiteDocument::parse(bytes)?;
        Ok(match document.redirect_all {
            Some(all) => Self::Moved(all),
            None => Self::Pages(Pages {
                suffix: document.index.flatten().unwrap_or_default(),
                error: document.error,
                rules: document.rules.unwrap_or_default(),
            }),
        })
    }
}

impl Pages {
    /// The key of the page at a path.
    pub(in crate::s3) fn key(&self, path: &str) -> String {
        if path.is_empty() || path.ends_with('/') {
            format!("{path}{}", self.suffix)
        } else {
            path.to_owned()
        }
    }

    /// Where the first rule sends a request for a path: before anything is looked up without
    /// `failed`, and after it has failed with that status.
    pub(in crate::s3) fn redirect(
        &self,
        path: &str,
        failed: Option<StatusCode>,
        from: Entrance<'_>,
    ) -> Option<Redirect> {
        let rule = self.rules.iter().find(|rule| holds(rule, path, failed))?;
        let condition = rule.condition.as_ref();
        let prefix = condition.and_then(|condition| condition.prefix.as_deref());
        Some(redirect(&rule.redirect, prefix.unwrap_or_default(), path, from))
    }
}

/// Where everything has moved to.
pub(in crate::s3) fn moved(to: &RedirectAllDocument, path: &str, from: Entrance<'_>) -> Redirect {
    let protocol = to.protocol.as_deref().unwrap_or(from.protocol);
    let location = address(protocol, &to.host, path, from.query);
    Redirect { status: StatusCode::MOVED_PERMANENTLY, location }
}

fn holds(rule: &RoutingRuleDocument, path: &str, failed: Option<StatusCode>) -> bool {
    let Some(condition) = &rule.condition else { return failed.is_none() };
    let prefix = condition.prefix.as_ref().is_none_or(|prefix| path.starts_with(prefix.as_str()));
    let code = match (&condition.error_code, failed) {
        (None, failed) => failed.is_none(),
        (Some(_), None) => false,
        (Some(code), Some(failed)) => code.trim() == failed.as_str(),
    };
    prefix && code
}

fn redirect(to: &RedirectDocument, prefix: &str, path: &str, from: Entrance<'_>) -> Redirect {
    let key = match (&to.key, &to.key_prefix) {
        (Some(key), _) => key.clone(),
        (None, Some(with)) => {
            format!("{with}{}", path.strip_prefix(prefix).unwrap_or(path))
        }
        (None, None) => path.to_owned(),
    };
    let protocol = to.protocol.as_deref().unwrap_or(from.protocol);
    let host = to.host.as_deref().unwrap_or(from.host);
    let code = to.code.as_deref().and_then(redirect_code);
    Redirect {
        status: code.unwrap_or(StatusCode::MOVED_PERMANENTLY),
        location: address(protocol, host, &key, from.query),
    }
}

fn address(protocol: &str, host: &str, key: &str, query: &str) -> String {
    format!("{protocol}://{host}/{}{query}", percent::encode(key, percent::Slash::Keep))
}

fn redirect_code(text: &str) -> Option<StatusCode> {
    let code = StatusCode::from_bytes(text.trim().as_bytes()).ok()?;
    (code.is_redirection() && code != StatusCode::MULTIPLE_CHOICES).then_some(code)
}

fn check_redirect_all(
    document: &WebsiteDocument,
    all: &RedirectAllDocument,
) -> Result<(), S3Error> {
    if document.index.is_some() || document.error.is_some() || document.rules.is_some() {
        return Err(S3Error::invalid_argument(
            "RedirectAllRequestsTo",
            "not null",
            "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
        ));
    }
    check_host(&all.host)?;
    check_protocol(all.protocol.as_deref())
}

fn check_pages(document: &WebsiteDocument) -> Result<(), S3Error> {
    let Some(suffix) = &document.index else {
        return Err(S3Error::invalid_argument(
            "IndexDocument",
            "null",
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
        ));
    };
    let suffix = suffix.as_deref().unwrap_or_default();
    if suffix.is_empty() || suffix.contains('/') {
        let message = "The IndexDocument Suffix is not well formed";
        return Err(S3Error::invalid_argument("IndexDocument", suffix, message));
    }
    let rules = document.rules.as_deref().unwrap_or_default();
    if rules.len() > MAX_RULES {
        let count = rules.len();
        return Err(S3Error::invalid_request(format!(
            "{count} routing rules provided, the number of routing rules in a website \
             configuration is limited to {MAX_RULES}."
        )));
    }
    rules.iter().try_for_each(check_rule)
}

fn check_rule(rule: &RoutingRuleDocument) -> Result<(), S3Error> {
    if let Some(condition) = &rule.condition {
        if condition.prefix.is_none() && condition.error_code.is_none() {
            return Err(S3Error::invalid_request(
                "Condition cannot be empty. To redirect all requests without a condition, the \
                 condition element shouldn't be present.",
            ));
        }
        if let Some(code) = &condition.error_code {
            let status = StatusCode::from_bytes(code.trim().as_bytes()).ok();
            if !status.is_some_and(|code| code.is_client_error() || code.is_server_error()) {
                return Err(S3Error::invalid_request(format!(
                    "The provided HTTP error code ({code}) is not valid. Valid codes are 4XX or \
                     5XX."
                )));
            }
        }
    }
    let redirect = &rule.redirect;
    if redirect.key.is_some() && redirect.key_prefix.is_some() {
        return Err(S3Error::invalid_request(
            "You can only define ReplaceKeyPrefix or ReplaceKey but not both.",
        ));
    }
    if let Some(code) = redirect.code.as_ref().filter(|code| redirect_code(code).is_none()) {
        return Err(S3Error::invalid_request(format!(
            "The provided HTTP redirect code ({code}) is not valid. Valid codes are 3XX except \
             300."
        )));
    }
    redirect.host.as_deref().map_or(Ok(()), check_host)?;
    check_protocol(redirect.protocol.as_deref())
}

fn check_protocol(protocol: Option<&str>) -> Result<(), S3Error> {
    match protocol {
        None | Some("http" | "https") => Ok(()),
        Some(_) => Err(S3Error::invalid_request(NO_PROTOCOL)),
    }
}

/// A host is written into a header.
fn check_host(host: &str) -> Result<(), S3Error> {
    let allowed = |b: u8| b.is_ascii_graphic() && !matches!(b, b'/' | b'?' | b'#' | b'@' | b'\\');
    if !host.is_empty() && host.bytes().all(allowed) {
        return Ok(());
    }
    Err(S3Error::invalid_argument("HostName", host, "The HostName is not well formed"))
}

#[cfg(test)]
#[path = "configuration_tests.rs"]
mod tests;
