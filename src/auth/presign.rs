//! URLs that let whoever has them read one object for a while: the counterpart of
//! [`super::presigned`].

use std::time::Duration;

use http::Method;

use super::{Authenticator, Identity, Role, Signer, Target};

/// The longest time for which such a URL may be valid.
pub const LONGEST_PRESIGNED: Duration = Duration::from_hours(7 * 24);

impl Authenticator {
    /// What follows the host in a URL that reads `/bucket/key`, valid for `expires` from now.
    /// `None` where there is no key of the role admin to sign it with.
    pub fn presigned_get(
        &self,
        host: &str,
        bucket: &str,
        key: &str,
        expires: Duration,
    ) -> Option<String> {
        let ring = self.keys();
        let is_admin =
            |identity: &Identity| identity.role == Role::Admin && identity.company.is_none();
        let admins = ring.iter().filter(|known| is_admin(&known.identity));
        let known = admins.min_by(|one, other| one.access_key.cmp(&other.access_key))?;
        let target = Target { host, bucket, key };
        Some(Signer::new(known, self.region()).presign(&Method::GET, target, expires, self.now()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Request;

    use super::*;
    use crate::auth::{AuthError, AuthSettings, Caller, Key, Keyring, Secret};
    use crate::body::Payload;
    use crate::object::{ManualClock, Owner, Timestamp};

    fn key(access_key: &str, role: Role) -> Key {
        let owner = Owner { id: "id".to_owned(), display_name: "name".to_owned() };
        let access_key = access_key.to_owned();
        let identity = Identity::new(access_key.clone(), role, owner);
        Key { access_key, secret: Secret::new("secret-of-it"), identity: Arc::new(identity) }
    }

    fn authenticator(keys: Vec<Key>) -> (Authenticator, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp(1_704_067_200_000)));
        let region = "eu-west-1".to_owned();
        let settings = AuthSettings { sigv2: false, region, strict_region: true };
        (Authenticator::new(Keyring::new(keys), settings, clock.clone()), clock)
    }

    #[test]
    fn a_url_is_good_for_its_time_and_its_object_alone() {
        let keys = vec![key("B/WRITER", Role::ReadWrite), key("A+ADMIN", Role::Admin)];
        let (auth, clock) = authenticator(keys);
        let object = "a b/ü+%.txt";
        let target = auth.presigned_get("here:9000", "bucket", object, Duration::from_mins(1));
        let target = target.expect("there is an admin");
        assert!(target.starts_with("/bucket/a%20b/%C3%BC%2B%25.txt?X-Amz-"), "{target}");
        let verify = |method: &str, host: &str, target: &str| {
            let request = Request::builder().method(method).uri(target).header("host", host);
            let (head, ()) = request.body(()).expect("a good request").into_parts();
            auth.verify(&head, None, Payload::empty()).map(|verified| verified.caller)
        };
        match verify("GET", "here:9000", &target) {
            Ok(Caller::Key(identity)) => assert_eq!(identity.access_key, "A+ADMIN"),
            other => panic!("{other:?}"),
        }
        assert!(verify("PUT", "here:9000", &target).is_err());
        assert!(verify("GET", "there:9000", &target).is_err());
        assert!(verify("GET", "here:9000", &target.replace("bucket/a", "bucket/b")).is_err());
        clock.advance(60_001);
        let late = verify("GET", "here:9000", &target).expect_err("too late");
        assert!(matches!(late, AuthError::Expired { .. }), "{late:?}");
    }

    #[test]
    fn only_an_admin_signs() {
        let (auth, _) = authenticator(vec![key("READER", Role::ReadOnly)]);
        assert_eq!(auth.presigned_get("h", "b", "k", Duration::from_mins(1)), None);
    }
}
