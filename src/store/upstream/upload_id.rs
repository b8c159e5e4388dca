//! Upload ids of the service in a form that is safe in a URL.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::object::UploadId;

/// Stands before ids that had to be encoded.
const ENCODED: &str = "b64~";

/// The gateway's id for one of the service's.
pub(super) fn shown(id: &str) -> UploadId {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    if id.chars().all(safe) && !id.starts_with(ENCODED) {
        return UploadId::new(id);
    }
    UploadId::new(format!("{ENCODED}{}", BASE64_URL_SAFE_NO_PAD.encode(id)))
}

/// The service's id for one that a client gave; `None` where it can be nobody's.
pub(super) fn meant(id: &UploadId) -> Option<String> {
    let text = id.as_str();
    match text.strip_prefix(ENCODED) {
        None => Some(text.to_owned()).filter(|text| !text.is_empty()),
        Some(encoded) => {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
            String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_and_are_safe() {
        for id in ["abc.DEF_1-2~3", "a/b+c==", "ü", "b64~x", "2~xyz"] {
            let shown = shown(id);
            assert_eq!(meant(&shown).as_deref(), Some(id));
            let safe = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
            assert!(shown.as_str().chars().all(safe), "{shown:?}");
        }
        assert_eq!(shown("plain").as_str(), "plain");
        for nobodys in ["", "b64~", "b64~!", "b64~_w"] {
            assert_eq!(meant(&UploadId::new(nobodys)), None, "{nobodys}");
        }
    }
}
