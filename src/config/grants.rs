//! What a key is allowed by a policy, and the company that it is bound to.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use toml::Spanned;

use super::document::Document;
use super::error::ConfigError;
use super::file;
use crate::auth::Role;
use crate::auth::grants::{Company, Policy};

/// The largest policy of a key, in bytes.
const MAX_POLICY: usize = 64 << 10;

/// The key's policy: one with the role `policy`, none with any other.
pub(super) fn policies(
    key: &file::Key,
    role: Role,
    document: &Document,
) -> Result<Vec<Arc<Policy>>, ConfigError> {
    let given = given(key.policy.as_ref(), key.policy_file.as_ref(), document)?;
    let Some(given) = given else {
        if role != Role::Policy {
            return Ok(Vec::new());
        }
        let span = key.role.as_ref().map_or_else(|| key.access_key.span(), Spanned::span);
        let message = "a key with this role has a policy; give policy or policy_file";
        return Err(document.error(&span, message));
    };
    if role != Role::Policy {
        let message = "is for keys with role = \"policy\"; other roles say by themselves what \
                       they allow";
        return Err(document.error(&given.1, message));
    }
    Ok(vec![read(&given, document)?])
}

/// The policy that was given, read.
pub(super) fn read(
    (text, span): &(String, Range<usize>),
    document: &Document,
) -> Result<Arc<Policy>, ConfigError> {
    if text.len() > MAX_POLICY {
        let message = format!("the policy has more than {MAX_POLICY} bytes");
        return Err(document.error(span, message));
    }
    let policy = Policy::for_identity(text.trim().as_bytes())
        .map_err(|fault| document.error(span, format!("is no policy: {fault}")))?;
    Ok(Arc::new(policy))
}

/// The company that the key is bound to.
pub(super) fn company(
    company: Option<&Spanned<String>>,
    document: &Document,
) -> Result<Option<Company>, ConfigError> {
    let Some(company) = company else { return Ok(None) };
    Company::new(company.get_ref()).map(Some).ok_or_else(|| {
        let message = "should be a company as it stands in keys: some text without a slash";
        document.error(&company.span(), message)
    })
}

/// A policy's text and where it is said, if it is at all; not in both ways.
pub(super) fn given(
    inline: Option<&Spanned<String>>,
    file: Option<&Spanned<PathBuf>>,
    document: &Document,
) -> Result<Option<(String, Range<usize>)>, ConfigError> {
    match (inline, file) {
        (None, None) => Ok(None),
        (Some(text), None) => Ok(Some((text.get_ref().clone(), text.span()))),
        (None, Some(path)) => {
            let shown = path.get_ref().display();
            let text = std::fs::read_to_string(path.get_ref()).map_err(|error| {
                document.error(&path.span(), format!("{shown} cannot be read: {error}"))
            })?;
            Ok(Some((text, path.span())))
        }
        (Some(_), Some(path)) => {
            let message = "policy is given as well; one of the two is enough";
            Err(document.error(&path.span(), message))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::auth::Role;
    use crate::config::tests::load;

    const KEY: &str = "[[key]]\naccess_key = \"AK\"\nsecret_key = \"0123456789\"\n";
    const POLICY: &str = "'''\n{\"Version\": \"2012-10-17\",\n \"Statement\": {\"Effect\": \
                          \"Allow\", \"Action\": \"s3:GetObject\", \"Resource\": \
                          \"arn:aws:s3:::media/*\"}}'''";

    fn fault(lines: &str) -> String {
        load(&format!("{KEY}{lines}"), &[]).expect_err(lines)
    }

    #[test]
    fn a_policy_is_given_inline_or_in_a_file() {
        let config = load(&format!("{KEY}role = \"policy\"\npolicy = {POLICY}\n"), &[]).unwrap();
        let key = config.keys.ring.get("AK").unwrap();
        assert_eq!(key.identity.role, Role::Policy);
        assert_eq!(key.identity.policies.len(), 1);
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = std::io::Write::write_all;
        write(&mut file.as_file(), POLICY.trim_matches('\'').as_bytes()).unwrap();
        let text = format!("{KEY}role = \"policy\"\npolicy_file = {:?}\n", file.path());
        let same = load(&text, &[]).unwrap();
        assert_eq!(same.keys.ring.get("AK").unwrap().identity, key.identity);
    }

    #[test]
    fn a_company_binds_any_key() {
        let config = load(&format!("{KEY}company = \"1\"\n"), &[]).unwrap();
        let company = config.keys.ring.get("AK").unwrap().identity.company.clone();
        assert_eq!(company.unwrap().as_str(), "1");
        assert!(fault("company = \"a/b\"").starts_with("stowgate.toml:4: [[key]] company: should"));
    }

    #[test]
    fn faults_have_their_place() {
        let missing = fault("role = \"policy\"");
        assert!(missing.starts_with("stowgate.toml:4: [[key]] role: a key with"), "{missing}");
        let other = fault(&format!("role = \"admin\"\npolicy = {POLICY}"));
        assert!(other.starts_with("stowgate.toml:5: [[key]] policy: is for keys"), "{other}");
        let broken = fault("role = \"policy\"\npolicy = '{}'");
        let expected = "stowgate.toml:5: [[key]] policy: is no policy: Missing required field \
                        Statement";
        assert_eq!(broken, expected);
        let both = fault("role = \"policy\"\npolicy = '{}'\npolicy_file = 'x'");
        assert!(both.starts_with("stowgate.toml:6: [[key]] policy_file: policy is"), "{both}");
        let absent = fault("role = \"policy\"\npolicy_file = '/nowhere/policy.json'");
        assert!(absent.contains("/nowhere/policy.json cannot be read"), "{absent}");
    }
}
