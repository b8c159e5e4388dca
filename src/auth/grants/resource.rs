//! What an action is done to, and the ARNs by which policies name it.

use super::action::ActionKind;
use super::facts::Facts;
use super::malformed::Malformed;
use super::pattern::{Case, Match, Pattern, Reading};

/// What an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// No bucket in particular.
    Service,
    /// A bucket, by its name.
    Bucket(&'a str),
    /// An object, by its bucket's name and its key, whether it exists or not.
    Object(&'a str, &'a str),
}

/// The ARN of a policy's `Resource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ResourcePattern {
    /// `*`.
    Everything,
    /// What follows `arn:aws:s3:::`.
    S3(Pattern),
    /// Something of another service: never ours.
    Foreign,
}

impl Target<'_> {
    /// What follows `arn:aws:s3:::`. The service itself can only be named by a wildcard.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Service => "*".to_owned(),
            Self::Bucket(bucket) => (*bucket).to_owned(),
            Self::Object(bucket, key) => format!("{bucket}/{key}"),
        }
    }
}

impl ResourcePattern {
    /// Reads an ARN, in which variables are allowed behind the fifth colon.
    pub(super) fn parse(text: &str, variables: bool) -> Result<Self, Malformed> {
        if text == "*" {
            return Ok(Self::Everything);
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [scheme, head @ .., path] = parts.as_slice() else { return Err(Malformed::Resource) };
        let [partition, service, region, account] = head else { return Err(Malformed::Resource) };
        if *scheme != "arn" || path.is_empty() || head.iter().any(|part| part.contains('$')) {
            return Err(Malformed::Resource);
        }
        let fits = |part: &str, ours: &str| {
            Pattern::parse(part, Reading::WILDCARDS)
                .is_ok_and(|pattern| pattern.matches_plain(ours, Case::Sensitive))
        };
        let is_partition = partition.starts_with("aws") || fits(partition, "aws");
        let is_ours = is_partition && fits(service, "s3") && fits(region, "") && fits(account, "");
        if !is_ours {
            return Ok(Self::Foreign);
        }
        let reading = Reading { wildcards: true, variables };
        Pattern::parse(path, reading).map(Self::S3).map_err(|_| Malformed::Variable)
    }

    /// Whether the resource is that bucket or in it, as a bucket's own policy needs it.
    pub(super) fn is_within(text: &str, bucket: &str) -> bool {
        let path = text.splitn(6, ':').nth(5).unwrap_or_default();
        let name = path.split_once('/').map_or(path, |(name, _)| name);
        !name.contains('$')
            && Pattern::parse(name, Reading::WILDCARDS)
                .is_ok_and(|pattern| pattern.matches_plain(bucket, Case::Sensitive))
    }

    /// Whether an action of that kind could be done to what it names.
    pub(super) fn suits(text: &str, kind: ActionKind) -> bool {
        let path = text.splitn(6, ':').nth(5).unwrap_or(text);
        let open = path.split_once('/').is_none() && path.contains('*');
        match kind {
            ActionKind::Object => open || path.contains('/'),
            ActionKind::Bucket => open || !path.contains('/'),
            ActionKind::Service => open,
            ActionKind::Elsewhere => true,
        }
    }

    /// Whether it names what is at `path`.
    pub(super) fn matches(&self, path: &str, facts: &dyn Facts) -> Match {
        match self {
            Self::Everything => Match::Yes,
            Self::S3(pattern) => pattern.matches(path, Case::Sensitive, facts),
            Self::Foreign => Match::No,
        }
    }

    /// The variables in it.
    pub(super) fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::S3(pattern) => Some(pattern),
            Self::Everything | Self::Foreign => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::grants::NoFacts;

    fn matches(text: &str, path: &str) -> bool {
        let pattern = ResourcePattern::parse(text, false).unwrap();
        pattern.matches(path, &NoFacts) == Match::Yes
    }

    #[test]
    fn arns_are_compared_by_what_follows_their_head() {
        assert!(matches("*", "b12/k"));
        assert!(matches("arn:aws:s3:::b12/*", "b12/a/b:c"));
        assert!(matches("arn:aws:s3:::b12/a:b", "b12/a:b"));
        assert!(matches("arn:aws-cn:s3:::b12", "b12"));
        assert!(matches("arn:*:s3:::b12", "b12"));
        assert!(!matches("arn:aws:s3:::b12", "b12/k"));
        assert!(!matches("arn:aws:s3:::b12/*", "b12"));
        assert!(!matches("arn:aws:sqs:::b12", "b12"));
        assert!(!matches("arn:aws:s3:eu-west-1::b12", "b12"));
    }

    #[test]
    fn what_is_no_arn_is_refused() {
        for text in ["", "b12", "b12/*", "arn:aws:s3:::", "arn:aws:s3", "urn:aws:s3:::b", "**"] {
            assert_eq!(ResourcePattern::parse(text, true), Err(Malformed::Resource), "{text}");
        }
        let head = ResourcePattern::parse("arn:aws:${a}:::b", true);
        assert_eq!(head, Err(Malformed::Resource));
        let open = ResourcePattern::parse("arn:aws:s3:::b/${a", true);
        assert_eq!(open, Err(Malformed::Variable));
    }

    #[test]
    fn a_buckets_policy_is_about_that_bucket() {
        for text in
            ["arn:aws:s3:::b12", "arn:aws:s3:::b12/k*", "arn:aws:s3:::*", "arn:aws:s3:::b*/x"]
        {
            assert!(ResourcePattern::is_within(text, "b12"), "{text}");
        }
        for text in ["arn:aws:s3:::b13", "arn:aws:s3:::b123/*", "arn:aws:s3:::${x}/*", "*x"] {
            assert!(!ResourcePattern::is_within(text, "b12"), "{text}");
        }
    }
}
