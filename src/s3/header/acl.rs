//! ACL headers where ACLs are off: only what changes nothing is accepted (S3 User Guide,
//! "Controlling ownership of objects and disabling ACLs").

use super::Head;
use crate::s3::error::{Code, S3Error};

/// Refuses every ACL header but the canned ACLs that give the owner what the owner has.
pub(in crate::s3) fn check_acl(head: &Head) -> Result<(), S3Error> {
    if names_other_acl(head) {
        return Err(S3Error::new(Code::AccessControlListNotSupported));
    }
    Ok(())
}

/// Whether the headers ask for other access than the owner's.
fn names_other_acl(head: &Head) -> bool {
    let canned = head
        .header("x-amz-acl")
        .is_some_and(|acl| !matches!(acl.as_ref(), "private" | "bucket-owner-full-control" | ""));
    canned || head.headers_from("x-amz-grant-").next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::header::tests::head;

    #[test]
    fn owner_acls_pass_and_others_do_not() {
        let refused = |name, value| check_acl(&head("PUT", "/b12/k", &[(name, value)])).is_err();
        assert!(!refused("x-amz-acl", "private"));
        assert!(!refused("x-amz-acl", "bucket-owner-full-control"));
        assert!(refused("x-amz-acl", "public-read"));
        assert!(refused("x-amz-grant-read", "id=x"));
        assert!(!refused("x-amz-meta-grant", "x"));
    }
}
