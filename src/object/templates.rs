//! Which template the keys of a bucket are read by.

use std::collections::BTreeMap;

use super::KeyTemplate;

/// Stands for every bucket that has no template of its own.
const EVERY: &str = "*";

/// The templates of buckets; `*` is every bucket without one of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyTemplates(BTreeMap<String, KeyTemplate>);

impl KeyTemplates {
    /// The bucket of this name has that template.
    pub fn set(&mut self, bucket: impl Into<String>, template: KeyTemplate) {
        self.0.insert(bucket.into(), template);
    }

    /// Buckets without a template of their own have this one, where none was set for them.
    pub fn set_default(&mut self, template: KeyTemplate) {
        self.0.entry(EVERY.to_owned()).or_insert(template);
    }

    /// By which template the keys of a bucket are read, if by any.
    pub fn of(&self, bucket: &str) -> Option<&KeyTemplate> {
        self.0.get(bucket).or_else(|| self.0.get(EVERY))
    }
}

impl<T: Into<String>> FromIterator<(T, KeyTemplate)> for KeyTemplates {
    fn from_iter<I: IntoIterator<Item = (T, KeyTemplate)>>(templates: I) -> Self {
        Self(templates.into_iter().map(|(name, template)| (name.into(), template)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_its_own_template_or_that_of_every_bucket() {
        let template = |text| KeyTemplate::parse(text).unwrap();
        let mut templates = KeyTemplates::default();
        assert_eq!(templates.of("one"), None);
        templates.set("one", template("{company}/{*}"));
        assert_eq!(templates.of("two"), None);
        templates.set_default(template("{type}/{*}"));
        templates.set_default(KeyTemplate::default());
        assert_eq!(templates.of("one"), Some(&template("{company}/{*}")));
        assert_eq!(templates.of("two"), Some(&template("{type}/{*}")));
    }
}
