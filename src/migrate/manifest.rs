//! A list of keys, as an application or an earlier report gives it: pure.
//!
//! Lines are keys, JSON objects with `key` and perhaps `bucket`, or, behind a first line that
//! names the columns, CSV. A report of either form is such a list.

use serde::Deserialize;

/// What the lines are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    Keys,
    /// The columns of bucket and key.
    Csv(Option<usize>, usize),
}

/// A line: a key, and its bucket where the line names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Named {
    pub(super) bucket: Option<String>,
    pub(super) key: String,
}

/// What the first line says about the others, and whether it is none of them.
pub(super) fn form(first: &str) -> (Form, bool) {
    let columns = fields(first).unwrap_or_default();
    let column = |name: &str| columns.iter().position(|column| column.trim() == name);
    match column("key") {
        Some(key) if columns.len() > 1 || first.trim() == "key" => {
            (Form::Csv(column("bucket"), key), true)
        }
        _ => (Form::Keys, false),
    }
}

/// Reads a line; `Ok(None)` for an empty one.
pub(super) fn named(form: &Form, line: &str) -> Result<Option<Named>, String> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    match form {
        Form::Csv(bucket, key) => {
            let fields = fields(line).ok_or("its quotes are not closed")?;
            let field = |at: usize| fields.get(at).cloned();
            let key = field(*key).filter(|key| !key.is_empty()).ok_or("it has no key")?;
            Ok(Some(Named { bucket: bucket.and_then(field), key }))
        }
        Form::Keys if line.starts_with('{') => match serde_json::from_str::<Named>(line) {
            Ok(named) => Ok(Some(named)),
            Err(error) => Err(format!("it is no JSON object with a key: {error}")),
        },
        Form::Keys => Ok(Some(Named { bucket: None, key: line.to_owned() })),
    }
}

/// The fields of a line of CSV (RFC 4180); a key with a line end in it does not stand in one.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => match rest.split_once(',') {
                Some((field, behind)) => (field.to_owned(), Some(behind)),
                None => (rest.to_owned(), None),
            },
        };
        fields.push(field);
        match behind {
            Some(behind) => rest = behind,
            None => return Some(fields),
        }
    }
}

fn quoted_field(mut rest: &str) -> Option<(String, Option<&str>)> {
    let mut field = String::new();
    loop {
        let (text, behind) = rest.split_once('"')?;
        field.push_str(text);
        match behind.strip_prefix('"') {
            Some(behind) => {
                field.push('"');
                rest = behind;
            }
            None if behind.is_empty() => return Some((field, None)),
            None => return Some((field, Some(behind.strip_prefix(',')?))),
        }
    }
}

/// A field as CSV has it. What a spreadsheet would take for a formula stays text there.
pub(crate) fn csv_field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(lines: &[&str]) -> Vec<Named> {
        let (form, header) = form(lines[0]);
        let lines = lines.iter().skip(usize::from(header));
        lines.filter_map(|line| named(&form, line).unwrap()).collect()
    }

    fn key(bucket: Option<&str>, key: &str) -> Named {
        Named { bucket: bucket.map(str::to_owned), key: key.to_owned() }
    }

    #[test]
    fn keys_objects_and_columns_are_read() {
        assert_eq!(
            read(&["a,b", "", "key with spaces"]),
            [key(None, "a,b"), key(None, "key with spaces")]
        );
        assert_eq!(
            read(&[r#"{"bucket":"b","key":"k","outcome":"failed"}"#, r#"{"key":"l"}"#]),
            [key(Some("b"), "k"), key(None, "l")]
        );
        assert_eq!(
            read(&["phase,bucket,key,size", "migrate,b,\"a,\"\"x\"\"\",3"]),
            [key(Some("b"), "a,\"x\"")]
        );
        assert_eq!(read(&["key", "k"]), [key(None, "k")]);
        assert!(named(&Form::Keys, "{\"bucket\":\"b\"}").is_err());
        assert!(named(&Form::Csv(None, 1), "a").is_err());
        assert!(named(&Form::Csv(None, 1), "a,\"b").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_as_csv_is_read(texts in prop::collection::vec("[^\\n\\r]{0,12}", 1..5)) {
            let line = texts.iter().map(|text| csv_field(text)).collect::<Vec<_>>().join(",");
            prop_assert_eq!(fields(&line), Some(texts));
        }
    }
}
