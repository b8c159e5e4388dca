//! For which regions a request may be signed.

use http::{Method, request};

use super::AuthSettings;
use super::query::Query;

/// The region that clients sign for before they know a bucket's region.
const DISCOVERY_REGION: &str = "us-east-1";

/// The region that should have been signed for, where `region` is refused.
///
/// Any region is taken unless strictness is asked for, and even then ListBuckets,
/// GetBucketLocation, HeadBucket and CreateBucket may be signed for `us-east-1`.
pub(super) fn refused<'a>(
    settings: &'a AuthSettings,
    region: &str,
    head: &request::Parts,
    virtual_bucket: Option<&str>,
) -> Option<&'a str> {
    let accepted = !settings.strict_region
        || region == settings.region
        || (region == DISCOVERY_REGION && discovers_region(head, virtual_bucket));
    (!accepted).then_some(settings.region.as_str())
}

fn discovers_region(head: &request::Parts, virtual_bucket: Option<&str>) -> bool {
    let path = head.uri.path().trim_start_matches('/');
    let query = Query(head.uri.query().unwrap_or_default().as_bytes());
    let is_service = virtual_bucket.is_none() && path.is_empty();
    let is_bucket = match virtual_bucket {
        Some(_) => path.is_empty(),
        None => !path.is_empty() && !path.trim_end_matches('/').contains('/'),
    };
    match head.method {
        Method::GET => is_service || (is_bucket && query.has("location")),
        Method::HEAD => is_bucket,
        // CreateBucket has no sub-resource; everything else that is put on a bucket has one.
        Method::PUT => is_bucket && query.names().all(|name| is_no_sub_resource(&name)),
        _ => false,
    }
}

fn is_no_sub_resource(name: &[u8]) -> bool {
    name == b"x-id" || name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"x-amz-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(method: Method, target: &str, bucket: Option<&str>, region: &str) -> bool {
        let settings =
            AuthSettings { sigv2: true, region: "eu-west-1".into(), strict_region: true };
        let request = http::Request::builder().method(method).uri(target).body(()).unwrap();
        refused(&settings, region, &request.into_parts().0, bucket).is_some()
    }

    #[test]
    fn calls_that_discover_the_region_may_be_signed_for_us_east_1() {
        for (method, target, bucket) in [
            (Method::GET, "/", None),
            (Method::GET, "/bucket?location", None),
            (Method::GET, "/bucket/?location=", None),
            (Method::GET, "/?location", Some("bucket")),
            (Method::HEAD, "/bucket", None),
            (Method::HEAD, "/bucket/", None),
            (Method::HEAD, "/", Some("bucket")),
            (Method::PUT, "/bucket?x-id=CreateBucket", None),
            (Method::PUT, "/bucket?X-Amz-Signature=0", None),
        ] {
            assert!(!is_refused(method.clone(), target, bucket, "us-east-1"), "{method} {target}");
            assert!(!is_refused(method.clone(), target, bucket, "eu-west-1"), "{method} {target}");
            assert!(is_refused(method.clone(), target, bucket, "eu-west-2"), "{method} {target}");
        }
    }

    #[test]
    fn every_other_call_must_name_the_region() {
        for (method, target, bucket) in [
            (Method::GET, "/bucket", None),
            (Method::GET, "/bucket/key?location", None),
            (Method::GET, "/", Some("bucket")),
            (Method::HEAD, "/bucket/key", None),
            (Method::HEAD, "/key", Some("bucket")),
            (Method::PUT, "/bucket?acl", None),
            (Method::PUT, "/bucket/key", None),
            (Method::DELETE, "/bucket", None),
        ] {
            assert!(is_refused(method.clone(), target, bucket, "us-east-1"), "{method} {target}");
            assert!(!is_refused(method.clone(), target, bucket, "eu-west-1"), "{method} {target}");
        }
    }
}
