//! Whose the objects of buckets are, and whether ACLs count, where a bucket does not say so itself.

use toml::Spanned;

use super::document::Document;
use super::error::ConfigError;
use super::file;
use crate::auth::grants::{Ownership, OwnershipDefaults};
use crate::object::BucketName;

/// Reads what the buckets say.
pub(super) fn defaults(
    buckets: &[Spanned<file::Bucket>],
    document: &Document,
) -> Result<OwnershipDefaults, ConfigError> {
    let mut defaults = OwnershipDefaults::default();
    for bucket in buckets {
        let bucket = bucket.get_ref();
        let Some(text) = &bucket.object_ownership else { continue };
        let ownership = Ownership::named(text.get_ref()).ok_or_else(|| {
            let message = format!(
                "{:?} is none of \"BucketOwnerEnforced\", \"BucketOwnerPreferred\" and \
                 \"ObjectWriter\"",
                text.get_ref()
            );
            document.error(&text.span(), message)
        })?;
        let name = bucket.name.get_ref();
        if name == super::EVERY_BUCKET {
            defaults.everywhere = ownership;
        } else if let Ok(name) = BucketName::parse(name) {
            defaults.buckets.insert(name, ownership);
        }
    }
    Ok(defaults)
}

#[cfg(test)]
mod tests {
    use crate::auth::grants::Ownership;
    use crate::config::tests::load;
    use crate::object::BucketName;

    #[test]
    fn buckets_say_whose_their_objects_are() {
        let of = |text: &str, bucket: &str| {
            load(text, &[]).unwrap().ownerships.of(&BucketName::parse(bucket).unwrap())
        };
        assert_eq!(of("", "any"), Ownership::BucketOwnerEnforced);
        let text = "[[bucket]]\nname = \"*\"\nobject_ownership = \"ObjectWriter\"\n\
                    [[bucket]]\nname = \"mine\"\nobject_ownership = \"BucketOwnerPreferred\"\n";
        assert_eq!(of(text, "any"), Ownership::ObjectWriter);
        assert_eq!(of(text, "mine"), Ownership::BucketOwnerPreferred);
        let fault = load(&text.replace("ObjectWriter", "Mine"), &[]).unwrap_err();
        let expected = "stowgate.toml:3: [[bucket]] object_ownership: \"Mine\" is none of";
        assert!(fault.starts_with(expected), "{fault}");
    }
}
