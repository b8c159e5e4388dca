//! Whom a key belongs to: company and type, as its text says.
//!
//! The one place that knows how keys are read; whoever configures another way of reading them
//! hands it in.

use std::fmt;
use std::sync::Arc;

use crate::object::BucketName;

/// What a key says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// The company.
    pub company: Option<String>,
    /// The type.
    pub kind: Option<String>,
}

/// Reads the labels of a key.
type Read = dyn Fn(&BucketName, &str) -> Labels + Send + Sync;
/// What all keys of a company and a type begin with.
type Prefix = dyn Fn(&BucketName, Option<&str>, Option<&str>) -> String + Send + Sync;

/// How keys are read.
#[derive(Clone)]
pub struct Labeller {
    read: Arc<Read>,
    prefix: Arc<Prefix>,
}

impl Labeller {
    /// Reads keys by `read`; `prefix` says what all keys with given labels begin with.
    pub fn new(
        read: impl Fn(&BucketName, &str) -> Labels + Send + Sync + 'static,
        prefix: impl Fn(&BucketName, Option<&str>, Option<&str>) -> String + Send + Sync + 'static,
    ) -> Self {
        Self { read: Arc::new(read), prefix: Arc::new(prefix) }
    }

    /// What a key says.
    pub fn labels(&self, bucket: &BucketName, key: &str) -> Labels {
        (self.read)(bucket, key)
    }

    /// What all keys of this company and type begin with.
    pub fn prefix(&self, bucket: &BucketName, company: Option<&str>, kind: Option<&str>) -> String {
        (self.prefix)(bucket, company, kind)
    }
}

impl Default for Labeller {
    /// Keys of the form `attachments/{type}/company_{company}/…`.
    fn default() -> Self {
        Self::new(
            |_, key| attachment(key).unwrap_or_default(),
            |_, company, kind| match (kind, company) {
                (None, _) => "attachments/".to_owned(),
                (Some(kind), None) => format!("attachments/{kind}/company_"),
                (Some(kind), Some(company)) => format!("attachments/{kind}/company_{company}/"),
            },
        )
    }
}

fn attachment(key: &str) -> Option<Labels> {
    let mut steps = key.strip_prefix("attachments/")?.splitn(3, '/');
    let kind = steps.next().filter(|kind| !kind.is_empty())?;
    let company = steps.next()?.strip_prefix("company_").filter(|id| !id.is_empty())?;
    steps.next()?;
    Some(Labels { company: Some(company.to_owned()), kind: Some(kind.to_owned()) })
}

impl fmt::Debug for Labeller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Labeller").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_say_whose_they_are() {
        let bucket = BucketName::parse("psc-accounting").unwrap();
        let labeller = Labeller::default();
        let key = "attachments/invoice/company_7/2024-13-45/99_abcdefgh_bill.pdf";
        let labels = labeller.labels(&bucket, key);
        assert_eq!(
            (labels.company.as_deref(), labels.kind.as_deref()),
            (Some("7"), Some("invoice"))
        );
        for other in ["avatars/a.png", "attachments/invoice/7/a", "attachments/invoice/company_/a"]
        {
            assert_eq!(labeller.labels(&bucket, other), Labels::default(), "{other}");
        }
        assert!(key.starts_with(&labeller.prefix(&bucket, Some("7"), Some("invoice"))));
        assert!(key.starts_with(&labeller.prefix(&bucket, Some("7"), None)));
        assert_eq!(labeller.prefix(&bucket, None, None), "attachments/");
    }
}
