//! What S3 refuses in a CORS configuration that is well-formed.

use super::is_method;
use crate::s3::error::{Code, S3Error};
use crate::s3::xml::{CorsDocument, CorsRuleDocument};

/// The longest `ID`.
const MAX_ID: usize = 255;

/// Refuses what no rule may say.
pub(super) fn check(document: &CorsDocument) -> Result<(), S3Error> {
    document.rules.iter().try_for_each(rule)
}

fn rule(rule: &CorsRuleDocument) -> Result<(), S3Error> {
    if let Some(method) = rule.methods.iter().find(|method| !is_method(method)) {
        return Err(S3Error::invalid_request(format!(
            "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
        )));
    }
    one_wildcard("AllowedOrigin", &rule.origins)?;
    one_wildcard("AllowedHeader", &rule.headers)?;
    if let Some(header) = rule.exposed.iter().find(|header| header.contains('*')) {
        return Err(S3Error::invalid_request(format!(
            "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard \
             for ExposeHeader."
        )));
    }
    let not_a_header = |header: &&String| http::HeaderName::from_bytes(header.as_bytes()).is_err();
    if let Some(header) = rule.exposed.iter().find(not_a_header) {
        return Err(S3Error::invalid_request(format!(
            "ExposeHeader \"{header}\" is not a header."
        )));
    }
    match &rule.id {
        Some(id) if id.chars().count() > MAX_ID => Err(S3Error::new(Code::InvalidArgument)
            .message(format!("ID length should not exceed allowed limit of {MAX_ID}"))),
        _ => Ok(()),
    }
}

fn one_wildcard(element: &str, values: &[String]) -> Result<(), S3Error> {
    match values.iter().find(|value| value.matches('*').count() > 1) {
        None => Ok(()),
        Some(value) => Err(S3Error::invalid_request(format!(
            "{element} \"{value}\" can not have more than one wildcard."
        ))),
    }
}
