//! The query string as signatures see it: pairs in their raw form, nothing interpreted.

use std::borrow::Cow;

use super::percent::decode;
use crate::object::percent::Plus;

/// A raw query string, without its question mark.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query<'a>(pub(super) &'a [u8]);

impl<'a> Query<'a> {
    /// Name and value of each parameter as received; `None` where no `=` follows the name.
    pub(super) fn pairs(self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let parameters = self.0.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        parameters.map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            (halves.next().unwrap_or_default(), halves.next())
        })
    }

    /// The decoded value of the first parameter of exactly that name.
    pub(super) fn get(self, name: &str) -> Option<String> {
        self.find(|known| known == name.as_bytes())
    }

    /// As `get`, whatever the case of the name.
    pub(super) fn get_any_case(self, name: &str) -> Option<String> {
        self.find(|known| known.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Whether there is a parameter of exactly that name.
    pub(super) fn has(self, name: &str) -> bool {
        self.names().any(|known| *known == *name.as_bytes())
    }

    /// Every name, decoded.
    pub(super) fn names(self) -> impl Iterator<Item = Cow<'a, [u8]>> {
        self.pairs().map(|(name, _)| decode(name, Plus::Space))
    }

    fn find(self, wanted: impl Fn(&[u8]) -> bool) -> Option<String> {
        let (_, value) = self.pairs().find(|(name, _)| wanted(&decode(name, Plus::Space)))?;
        let value = decode(value.unwrap_or_default(), Plus::Space);
        Some(String::from_utf8_lossy(&value).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_split_at_the_first_equals_sign() {
        let pairs: Vec<_> = Query(b"acl&a=b=c&&x=").pairs().collect();
        let expected: [(&[u8], Option<&[u8]>); 3] =
            [(b"acl", None), (b"a", Some(b"b=c")), (b"x", Some(b""))];
        assert_eq!(pairs, expected);
    }

    #[test]
    fn names_are_compared_decoded_and_by_case() {
        let query = Query(b"X-Amz%2DDate=2015%2B0+1&x=1");
        assert_eq!(query.get("X-Amz-Date").as_deref(), Some("2015+0 1"));
        assert_eq!(query.get("x-amz-date"), None);
        assert_eq!(query.get_any_case("x-amz-date").as_deref(), Some("2015+0 1"));
        assert!(query.has("x") && !query.has("X"));
    }
}
