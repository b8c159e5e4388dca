//! JSON as policies need it: in the order of the text, with duplicate names refused.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::malformed::Malformed;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// The digits as they were written.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// What a duplicate name's error begins with, to tell it from errors of syntax.
const DUPLICATE: &str = "duplicate name: ";

/// Reads an object.
pub(super) fn parse(text: &[u8]) -> Result<Vec<(String, Json)>, Malformed> {
    if text.first() != Some(&b'{') {
        return Err(Malformed::Json);
    }
    match serde_json::from_slice(text) {
        Ok(Json::Object(fields)) => Ok(fields),
        Ok(_) => Err(Malformed::Json),
        Err(error) => Err(refusal(&error.to_string())),
    }
}

fn refusal(error: &str) -> Malformed {
    match error.strip_prefix(DUPLICATE).and_then(|rest| rest.split_once('\n')) {
        Some((name, _)) => Malformed::Duplicate(name.to_owned()),
        None => Malformed::Json,
    }
}

impl Json {
    /// One text or a list of them, at least one.
    pub(super) fn texts(self) -> Result<Vec<String>, Malformed> {
        let texts: Vec<String> = match self {
            Self::Text(text) => vec![text],
            Self::List(list) => list.into_iter().map(Self::text).collect::<Result<_, _>>()?,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Object(_) => {
                return Err(Malformed::Syntax);
            }
        };
        if texts.is_empty() { Err(Malformed::Empty) } else { Ok(texts) }
    }

    /// A text.
    pub(super) fn text(self) -> Result<String, Malformed> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(Malformed::Syntax),
        }
    }

    /// Its names and values.
    pub(super) fn object(self) -> Result<Vec<(String, Self)>, Malformed> {
        match self {
            Self::Object(fields) => Ok(fields),
            _ => Err(Malformed::Syntax),
        }
    }

    /// The values of a condition, where numbers and booleans need no quotes.
    pub(super) fn scalars(self) -> Result<Vec<String>, Malformed> {
        match self {
            Self::List(list) => list.into_iter().map(Self::scalar).collect(),
            other => other.scalar().map(|text| vec![text]),
        }
    }

    fn scalar(self) -> Result<String, Malformed> {
        match self {
            Self::Text(text) | Self::Number(text) => Ok(text),
            Self::Bool(value) => Ok(value.to_string()),
            Self::Null | Self::List(_) | Self::Object(_) => Err(Malformed::Syntax),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields: Vec<(String, Json)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Json>()? {
            if fields.iter().any(|(other, _)| *other == name) {
                return Err(A::Error::custom(format!("{DUPLICATE}{name}\n")));
            }
            fields.push((name, value));
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_object_and_what_is_ambiguous_are_refused() {
        for text in ["", " {}", "[]", "\"a\"", "{", "{}x", "{\"a\":}"] {
            assert_eq!(parse(text.as_bytes()), Err(Malformed::Json), "{text}");
        }
        let twice = parse(br#"{"a": {"b": 1, "b": 2}}"#);
        assert_eq!(twice, Err(Malformed::Duplicate("b".to_owned())));
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert_eq!(parse(deep.as_bytes()), Err(Malformed::Json));
    }

    #[test]
    fn scalars_need_no_quotes() {
        let fields = parse(br#"{"a": [true, 7, -1, "x"], "b": 1.5}"#).unwrap();
        let scalars: Vec<_> = fields.into_iter().map(|(_, v)| v.scalars().unwrap()).collect();
        assert_eq!(scalars, [vec!["true", "7", "-1", "x"], vec!["1.5"]]);
    }
}
