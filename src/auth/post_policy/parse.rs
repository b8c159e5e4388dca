//! From the text of a policy to its conditions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Condition, InvalidPolicy, PostPolicy};
use crate::object::Timestamp;

/// Reads the field `policy`: JSON in base64.
pub(super) fn policy(encoded: &str) -> Result<PostPolicy, InvalidPolicy> {
    // Line ends are allowed: some encoders break lines, and what is signed has them as well.
    let encoded: String = encoded.split_ascii_whitespace().collect();
    let json = STANDARD.decode(encoded).map_err(|_| invalid("Could not decode base64."))?;
    let json: Value = serde_json::from_slice(&json)
        .map_err(|error| invalid(format!("Invalid JSON: {error}.")))?;
    let Value::Object(json) = json else {
        return Err(invalid("Expecting a JSON object."));
    };
    if let Some(name) =
        json.keys().find(|name| !matches!(name.as_str(), "expiration" | "conditions"))
    {
        return Err(invalid(format!("Unexpected: '{name}'.")));
    }
    let Some(until) = json.get("expiration") else {
        return Err(invalid("Policy missing expiration."));
    };
    let Some(listed) = json.get("conditions") else {
        return Err(invalid("Policy missing conditions."));
    };
    let Value::Array(listed) = listed else {
        return Err(invalid("Invalid 'conditions' value: must be a List."));
    };
    let conditions = listed.iter().map(condition).collect::<Result<_, _>>()?;
    Ok(PostPolicy { expiration: expiration(until)?, conditions })
}

/// A point in time in UTC, such as `2015-12-30T12:00:00.000Z`.
fn expiration(value: &Value) -> Result<Timestamp, InvalidPolicy> {
    let text = value.as_str().unwrap_or_default();
    let zulu = text.ends_with('Z') && text.contains('T');
    let time = OffsetDateTime::parse(text, &Rfc3339).ok().filter(|_| zulu);
    time.map(Timestamp::from_utc)
        .ok_or_else(|| invalid(format!("Invalid 'expiration' value: {value}.")))
}

fn condition(value: &Value) -> Result<Condition, InvalidPolicy> {
    match value {
        Value::Object(pairs) => simple(pairs),
        Value::Array(items) => operation(items),
        _ => Err(invalid("Invalid Condition: must be a List or an Object.")),
    }
}

fn simple(pairs: &Map<String, Value>) -> Result<Condition, InvalidPolicy> {
    let mut pairs = pairs.iter();
    let (Some((field, value)), None) = (pairs.next(), pairs.next()) else {
        return Err(invalid(
            "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
        ));
    };
    let Value::String(value) = value else {
        return Err(invalid("Invalid Simple-Condition: value must be a string."));
    };
    Ok(Condition::Equals { field: field.to_ascii_lowercase(), value: value.clone() })
}

fn operation(items: &[Value]) -> Result<Condition, InvalidPolicy> {
    let [operator, first, second] = items else {
        return Err(invalid("Invalid Condition: wrong number of arguments."));
    };
    let operator = operator.as_str().unwrap_or_default().to_ascii_lowercase();
    match operator.as_str() {
        "eq" => Ok(Condition::Equals { field: field(first)?, value: text(second)? }),
        "starts-with" => Ok(Condition::StartsWith { field: field(first)?, value: text(second)? }),
        "content-length-range" => {
            let (least, most) = (size(first)?, size(second)?);
            if least > most {
                return Err(invalid("Invalid content-length-range: the minimum is the larger."));
            }
            Ok(Condition::Length(least..=most))
        }
        _ => Err(invalid(format!("Invalid Condition: unknown operation '{operator}'."))),
    }
}

/// `$name` of a field.
fn field(value: &Value) -> Result<String, InvalidPolicy> {
    let name = value.as_str().and_then(|text| text.strip_prefix('$'));
    let name = name.filter(|name| !name.is_empty());
    name.map(str::to_ascii_lowercase)
        .ok_or_else(|| invalid("Invalid Condition: a field's name must begin with '$'."))
}

fn text(value: &Value) -> Result<String, InvalidPolicy> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| invalid("Invalid Condition: a value must be a string."))
}

/// A number, which may be written as a text.
fn size(value: &Value) -> Result<u64, InvalidPolicy> {
    let plain = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let in_text = value.as_str().filter(plain).and_then(|text| text.parse().ok());
    value
        .as_u64()
        .or(in_text)
        .ok_or_else(|| invalid("Invalid content-length-range: must be numbers of 0 or more."))
}

fn invalid(why: impl Into<String>) -> InvalidPolicy {
    InvalidPolicy(why.into())
}
