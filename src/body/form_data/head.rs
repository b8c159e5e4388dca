//! What a part says of itself (RFC 7578, section 4).

use crate::body::BodyError;

/// A part's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartHead {
    /// The field's name.
    pub name: String,
    /// The file's name as the client gave it, which may be a path.
    pub file_name: Option<String>,
}

impl PartHead {
    /// Reads the lines between a delimiter and the empty line.
    pub(super) fn parse(head: &[u8]) -> Result<Self, BodyError> {
        let head = std::str::from_utf8(head)
            .map_err(|_| BodyError::Form("a part's head is not in UTF-8"))?;
        let disposition = head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("content-disposition").then(|| value.trim())
        });
        let nameless = || BodyError::Form("a part has no name");
        let (kind, rest) = disposition.and_then(|it| it.split_once(';')).ok_or_else(nameless)?;
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return Err(BodyError::Form("a part is no form data"));
        }
        let parameters = parameters(rest);
        let get = |wanted| {
            let found = parameters.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.clone())
        };
        let extended = get("filename*").as_deref().and_then(extended);
        let name = get("name").ok_or_else(nameless)?;
        Ok(Self { name, file_name: extended.or_else(|| get("filename")) })
    }
}

/// The parameters behind a value, their names in lower case. In quotes only a quote is escaped:
/// browsers escape nothing so, and some send paths full of backslashes.
pub(super) fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, behind)) = rest.split_once('=') {
        let name = name.trim_start_matches([';', ' ', '\t']).trim_end().to_ascii_lowercase();
        let behind = behind.trim_start();
        let (value, after) = if let Some(quoted) = behind.strip_prefix('"') {
            unquoted(quoted)
        } else {
            let end = behind.find(';').unwrap_or(behind.len());
            let (value, after) = behind.split_at(end);
            (value.trim_end().to_owned(), after)
        };
        found.push((name, value));
        rest = after;
    }
    found
}

/// The text up to the closing quote, and what follows that.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\\']) {
        let (before, behind) = rest.split_at(at);
        value.push_str(before);
        if let Some(escaped) = behind.strip_prefix("\\\"") {
            value.push('"');
            rest = escaped;
        } else if let Some(after) = behind.strip_prefix('"') {
            return (value, after);
        } else {
            value.push('\\');
            rest = behind.get(1..).unwrap_or_default();
        }
    }
    value.push_str(rest);
    (value, "")
}

/// The value of an extended parameter in UTF-8 (RFC 5987): Python's older clients name files so.
fn extended(text: &str) -> Option<String> {
    let (charset, rest) = text.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    crate::object::percent::decode(encoded, crate::object::percent::Plus::Literal).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(disposition: &str) -> Option<(String, Option<String>)> {
        let head = format!("\r\nContent-Type: text/plain\r\ncontent-disposition: {disposition}");
        PartHead::parse(head.as_bytes()).ok().map(|head| (head.name, head.file_name))
    }

    #[test]
    fn names_are_read_as_clients_write_them() {
        let both = |name: &str, file: &str| Some((name.to_owned(), Some(file.to_owned())));
        assert_eq!(read("form-data; name=\"key\""), Some(("key".to_owned(), None)));
        assert_eq!(read("form-data; name=key; filename=a.txt"), both("key", "a.txt"));
        assert_eq!(read("form-data; name=\"f\"; filename=\"a;b=c.txt\""), both("f", "a;b=c.txt"));
        assert_eq!(read("form-data; name=\"f\"; filename=\"a\\\"b\""), both("f", "a\"b"));
        assert_eq!(read("form-data; name=\"f\"; filename=\"C:\\d\\x\""), both("f", "C:\\d\\x"));
        assert_eq!(read("form-data; name=\"f\"; filename=\"\""), both("f", ""));
        assert_eq!(read("form-data; name=\"f\"; filename=\"é.pdf\""), both("f", "é.pdf"));
        let extended = "form-data; name=\"f\"; filename=\"x\"; filename*=utf-8''%C3%A9%20b.pdf";
        assert_eq!(read(extended), both("f", "é b.pdf"));
    }

    #[test]
    fn what_has_no_name_is_no_field() {
        for disposition in ["form-data", "attachment; name=\"a\"", "form-data; filename=\"a\"", ""]
        {
            assert_eq!(read(disposition), None, "{disposition}");
        }
        assert!(PartHead::parse(b"").is_err());
        assert!(PartHead::parse(b"content-disposition: form-data; name=\"\xff\"").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_head_is_a_fault(text in "[a-z=;:\"\\\\\r\n é*'%]{0,60}") {
            let _ = PartHead::parse(text.as_bytes());
            let _ = parameters(&text);
        }
    }
}
