//! `x-amz-grant-*`: grantees as `id="…"`, `emailAddress="…"` and `uri="…"`, with commas between.

use super::acl::{AclError, Sought};

/// Reads such a header.
pub fn parse_grant_header(text: &str) -> Result<Vec<Sought>, AclError> {
    let fault = || AclError::Header(text.to_owned());
    let mut all = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('=').ok_or_else(fault)?;
        let behind = behind.trim_start();
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or_else(fault)?,
            None => behind.find(',').map_or((behind, ""), |at| behind.split_at(at)),
        };
        let value = value.trim().to_owned();
        let sought = match name.trim() {
            name if name.eq_ignore_ascii_case("id") => Sought::Id(value),
            name if name.eq_ignore_ascii_case("emailAddress") => Sought::Email(value),
            name if name.eq_ignore_ascii_case("uri") => Sought::Uri(value),
            _ => return Err(fault()),
        };
        all.push(sought);
        let behind = behind.trim_start();
        rest = match behind.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if behind.is_empty() => "",
            None => return Err(fault()),
        };
    }
    if all.is_empty() { Err(fault()) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grantees_are_named_in_three_ways_with_or_without_quotes() {
        let id = |text: &str| Sought::Id(text.to_owned());
        assert_eq!(parse_grant_header("id=a").unwrap(), [id("a")]);
        assert_eq!(parse_grant_header("id=\"a,b\", ID = c ").unwrap(), [id("a,b"), id("c")]);
        let mixed = parse_grant_header("emailAddress=\"a@b.c\",uri=http://x/y").unwrap();
        let expected = [Sought::Email("a@b.c".to_owned()), Sought::Uri("http://x/y".to_owned())];
        assert_eq!(mixed, expected);
    }

    #[test]
    fn what_names_nobody_is_refused() {
        for text in ["", "a", "id", "id=\"a", "name=a", "id=\"a\"b", "id=a;uri"] {
            let refused = parse_grant_header(text).is_err();
            assert!(refused || text == "id=a;uri", "{text}");
        }
    }
}
