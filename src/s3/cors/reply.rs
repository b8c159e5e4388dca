//! What a browser is told.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderName,
    VARY,
};
use http::{HeaderMap, HeaderValue};

use super::{Allowed, Asked};

const VARYING: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
);

/// Says what an answer of a bucket with rules depends on: a cache must not give one page the
/// answer to another.
pub(in crate::s3) fn vary(headers: &mut HeaderMap) {
    if !headers.contains_key(VARY) {
        headers.insert(VARY, VARYING);
    }
}

/// Says what the rule allows.
pub(in crate::s3) fn allow(headers: &mut HeaderMap, allowed: Allowed<'_>, asked: Asked<'_>) {
    let mut set = |name: HeaderName, value: &str| {
        // What is no header's value came in none, and was refused in a rule.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    let Allowed { rule, any } = allowed;
    if any {
        set(ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    } else {
        set(ACCESS_CONTROL_ALLOW_ORIGIN, asked.origin);
        set(ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    set(ACCESS_CONTROL_ALLOW_METHODS, &rule.methods.join(", "));
    if !asked.headers.is_empty() {
        set(ACCESS_CONTROL_ALLOW_HEADERS, &asked.headers.join(", "));
    }
    if !rule.exposed.is_empty() {
        set(ACCESS_CONTROL_EXPOSE_HEADERS, &rule.exposed.join(", "));
    }
    if let Some(age) = rule.max_age {
        set(ACCESS_CONTROL_MAX_AGE, &age.to_string());
    }
}
