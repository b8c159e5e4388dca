//! Continuation tokens: opaque to clients, and refused where this gateway did not make them.
//!
//! A token holds the position where the listing goes on, and a keyed digest over it and over what
//! is listed. The key comes from configuration, so that every gateway with the same configuration
//! takes the tokens of every other, before and after a restart.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The key that tokens are protected with.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKey([u8; 32]);

/// What a token belongs to: one for a page of this is none for a page of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenScope<'a> {
    /// ListBuckets of this owner.
    Buckets(&'a str),
    /// ListObjectsV2 of this bucket.
    Objects(&'a str),
}

/// The text is no token of this gateway, or one of another listing: `InvalidArgument`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the continuation token is not one of this listing")]
pub struct InvalidToken;

/// Half of the digest is kept: 128 bits cannot be guessed.
const TAG_BYTES: usize = 16;

impl TokenKey {
    /// Takes key material as it is; any secret of 32 bytes will do.
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The token that stands for `position`.
    pub fn seal(&self, scope: TokenScope<'_>, position: &str) -> String {
        let mut bytes = self.tag(scope, position).to_vec();
        bytes.extend_from_slice(position.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position that `token` stands for.
    pub fn open(&self, scope: TokenScope<'_>, token: &str) -> Result<String, InvalidToken> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| InvalidToken)?;
        let (tag, position) = bytes.split_at_checked(TAG_BYTES).ok_or(InvalidToken)?;
        let position = std::str::from_utf8(position).map_err(|_| InvalidToken)?;
        let expected = self.tag(scope, position);
        if bool::from(subtle::ConstantTimeEq::ct_eq(tag, &expected[..])) {
            Ok(position.to_owned())
        } else {
            Err(InvalidToken)
        }
    }

    fn tag(&self, scope: TokenScope<'_>, position: &str) -> [u8; TAG_BYTES] {
        let (kind, name) = match scope {
            TokenScope::Buckets(owner) => ("buckets", owner),
            TokenScope::Objects(bucket) => ("objects", bucket),
        };
        // HMAC fills a short key up with zeros to the hash's block of 64 bytes.
        let mut block = [0; 64];
        block.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        for field in [kind, name, position] {
            mac.update(&(field.len() as u64).to_be_bytes());
            mac.update(field.as_bytes());
        }
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let mut tag = [0; TAG_BYTES];
        tag.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        tag
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: TokenScope<'_> = TokenScope::Objects("bucket");

    fn key() -> TokenKey {
        TokenKey::new([7; 32])
    }

    #[test]
    fn a_token_opens_to_its_position_and_is_safe_in_a_url() {
        for position in ["", "a/b", "é\u{1}&=+ %", &"k".repeat(1024)] {
            let token = key().seal(SCOPE, position);
            assert_eq!(key().open(SCOPE, &token).as_deref(), Ok(position));
            assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
        }
    }

    #[test]
    fn a_changed_truncated_or_foreign_token_is_refused() {
        let token = key().seal(SCOPE, "position");
        for index in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(key().open(SCOPE, &changed), Err(InvalidToken), "at {index}");
            assert_eq!(key().open(SCOPE, &token[..index]), Err(InvalidToken));
        }
        assert!(key().open(TokenScope::Objects("other"), &token).is_err());
        assert!(key().open(TokenScope::Buckets("bucket"), &token).is_err());
        assert!(TokenKey::new([8; 32]).open(SCOPE, &token).is_err());
        assert!(key().open(SCOPE, "not a token!").is_err());
    }
}
