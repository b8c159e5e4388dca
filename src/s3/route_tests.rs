use super::*;
use crate::s3::header::tests::head;

fn to(method: &str, target: &str) -> Result<Operation, Code> {
    with(method, target, &[])
}

fn with(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<Operation, Code> {
    route(&head(method, target, headers)).map_err(|error| error.code())
}

const COPY: &[(&str, &str)] = &[("x-amz-copy-source", "/b12/other")];

#[test]
fn plain_requests_are_the_plain_operations() {
    for (method, target, operation) in [
        ("GET", "/", Operation::ListBuckets),
        ("GET", "/b12", Operation::ListObjects),
        ("GET", "/b12/?list-type=2", Operation::ListObjectsV2),
        ("GET", "/b12?list-type=1", Operation::ListObjects),
        ("HEAD", "/b12/", Operation::HeadBucket),
        ("PUT", "/b12", Operation::CreateBucket),
        ("DELETE", "/b12", Operation::DeleteBucket),
        ("OPTIONS", "/b12", Operation::Preflight),
        ("GET", "/b12/k?x-id=GetObject", Operation::GetObject),
        ("GET", "/b12/k?partNumber=1&versionId=null", Operation::GetObject),
        ("HEAD", "/b12/k", Operation::HeadObject),
        ("PUT", "/b12/k", Operation::PutObject),
        ("DELETE", "/b12/k?versionId=null", Operation::DeleteObject),
        ("OPTIONS", "/b12/k", Operation::Preflight),
    ] {
        assert_eq!(to(method, target), Ok(operation), "{method} {target}");
    }
}

#[test]
fn sub_resources_count_with_and_without_value_and_in_any_order() {
    for (method, target, operation) in [
        ("POST", "/b12?delete", Operation::DeleteObjects),
        ("POST", "/b12/?x=y&delete=", Operation::DeleteObjects),
        ("GET", "/b12?uploads", Operation::ListMultipartUploads),
        ("GET", "/b12?prefix=a&versions", Operation::ListObjectVersions),
        ("GET", "/b12?location", Operation::GetBucketLocation),
        ("PUT", "/b12?tagging", Operation::PutBucketTagging),
        ("POST", "/b12/k?uploads=", Operation::CreateMultipartUpload),
        ("PUT", "/b12/k?uploadId=u&partNumber=1", Operation::UploadPart),
        ("PUT", "/b12/k?partNumber=1&uploadId=u", Operation::UploadPart),
        ("GET", "/b12/k?uploadId=u", Operation::ListParts),
        ("DELETE", "/b12/k?uploadId=u", Operation::AbortMultipartUpload),
        ("POST", "/b12/k?uploadId=u", Operation::CompleteMultipartUpload),
        ("GET", "/b12/k?attributes", Operation::GetObjectAttributes),
        ("DELETE", "/b12/k?tagging", Operation::DeleteObjectTagging),
        ("GET", "/b12?policy", Operation::GetSetting(Setting::Policy)),
        ("DELETE", "/b12?cors", Operation::DeleteConfiguration(Configured::Cors)),
        ("PUT", "/b12?website", Operation::PutConfiguration(Configured::Website)),
        ("PUT", "/b12?lifecycle", Operation::PutConfiguration(Configured::Lifecycle)),
        ("GET", "/b12?encryption", Operation::GetConfiguration(Configured::Encryption)),
    ] {
        assert_eq!(to(method, target), Ok(operation), "{method} {target}");
    }
}

#[test]
fn copies_are_told_by_their_header() {
    assert_eq!(with("PUT", "/b12/k", COPY), Ok(Operation::CopyObject));
    let part = with("PUT", "/b12/k?uploadId=u&partNumber=1", COPY);
    assert_eq!(part, Ok(Operation::UploadPartCopy));
    for (method, target) in
        [("GET", "/b12/k"), ("PUT", "/b12/k?tagging"), ("POST", "/b12/k?uploads"), ("PUT", "/b12")]
    {
        assert_eq!(with(method, target, COPY), Err(Code::InvalidArgument), "{method} {target}");
    }
    let presigned = "/b12/k?X-Amz-Signature=s&x-amz-copy-source=b12%2Fother";
    assert_eq!(to("PUT", presigned), Ok(Operation::CopyObject));
}

#[test]
fn nothing_that_is_not_served_falls_through() {
    for (method, target) in [
        ("PUT", "/b12?versioning"),
        ("DELETE", "/b12?versioning"),
        ("DELETE", "/b12?acl"),
        ("PUT", "/b12?object-lock"),
        ("PUT", "/b12?notification"),
        ("GET", "/b12?session"),
        ("GET", "/b12?inventory&id=1"),
        ("DELETE", "/b12?metrics"),
        ("POST", "/b12?metadataTable"),
        ("PUT", "/b12?delete"),
        ("DELETE", "/b12?uploads"),
        ("DELETE", "/b12?location"),
        ("PUT", "/b12?attributes"),
        ("DELETE", "/b12?retention"),
        ("PUT", "/b12/k?retention"),
        ("PUT", "/b12/k?legal-hold"),
        ("PUT", "/b12/k?renameObject"),
        ("PUT", "/b12/k?encryption"),
        ("DELETE", "/b12/k?acl"),
        ("POST", "/b12/k?restore"),
        ("POST", "/b12/k?select&select-type=2"),
        ("DELETE", "/b12/k?torrent"),
        ("PUT", "/b12/k?uploads"),
        ("DELETE", "/b12/k?uploads"),
        ("DELETE", "/b12/k?lifecycle"),
        ("GET", "/b12/k?location"),
        ("PUT", "/b12/k?policy"),
        ("GET", "/b12?uploadId=u"),
        ("PUT", "/b12/?partNumber=1&uploadId=u"),
        ("POST", "/b12?uploadId=u"),
        ("DELETE", "/b12/?uploadId=u"),
    ] {
        let operation = to(method, target);
        assert!(
            matches!(operation, Ok(Operation::Unserved(_))),
            "{method} {target}: {operation:?}"
        );
    }
}

#[test]
fn parameters_of_parts_and_levels_are_checked() {
    assert_eq!(to("PUT", "/b12/k?partNumber=1"), Err(Code::InvalidArgument));
    assert_eq!(to("PUT", "/b12/k?uploadId=u"), Err(Code::MethodNotAllowed));
    assert_eq!(to("PUT", "/b12?partNumber=1"), Err(Code::InvalidArgument));
    assert_eq!(to("GET", "/b12/k?uploads"), Err(Code::InvalidRequest));
    assert_eq!(to("GET", "/b12/k?versions"), Err(Code::InvalidRequest));
}

#[test]
fn methods_without_meaning_are_not_allowed() {
    for (method, target) in [
        ("POST", "/"),
        ("PUT", "/"),
        ("DELETE", "/"),
        ("HEAD", "/"),
        ("PATCH", "/b12"),
        ("POST", "/b12/k"),
        ("PATCH", "/b12/k"),
        ("HEAD", "/b12/k?acl"),
        ("HEAD", "/b12?policy"),
    ] {
        assert_eq!(to(method, target), Err(Code::MethodNotAllowed), "{method} {target}");
    }
}

#[test]
fn forms_are_not_served_and_other_posts_are_no_forms() {
    let form = [("content-type", "multipart/form-data; boundary=x")];
    assert_eq!(with("POST", "/b12", &form), Ok(Operation::PostObject));
    assert_eq!(to("POST", "/b12"), Err(Code::PreconditionFailed));
}
