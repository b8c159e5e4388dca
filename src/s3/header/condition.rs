//! Conditional requests (S3 User Guide, "Add preconditions to S3 operations").

use super::Head;
use crate::object::{ETagMatch, ReadConditions, Timestamp, WriteCondition};
use crate::s3::error::S3Error;

/// The conditions of a read.
pub(in crate::s3) fn read_conditions(head: &Head) -> ReadConditions {
    conditions(head, "")
}

/// The conditions of a copy on its source.
pub(in crate::s3) fn copy_conditions(head: &Head) -> ReadConditions {
    conditions(head, "x-amz-copy-source-")
}

/// The condition of a write. S3 knows `If-None-Match: *` and `If-Match`, one at a time, and
/// neither under Signature Version 2.
pub(in crate::s3) fn write_condition(head: &Head) -> Result<Option<WriteCondition>, S3Error> {
    let condition = match (head.header("if-none-match"), head.header("if-match")) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(S3Error::not_implemented("If-None-Match together with If-Match"));
        }
        (Some(tags), None) if ETagMatch::parse(&tags) == ETagMatch::Any => WriteCondition::Absent,
        (Some(_), None) => {
            return Err(S3Error::not_implemented("If-None-Match with another value than *"));
        }
        (None, Some(tags)) => WriteCondition::Matches(ETagMatch::parse(&tags)),
    };
    if is_signature_v2(head) {
        return Err(S3Error::invalid_request(
            "Conditional writes require Signature Version 4 (AWS4-HMAC-SHA256).",
        ));
    }
    Ok(Some(condition))
}

fn conditions(head: &Head, prefix: &str) -> ReadConditions {
    let header = |name: &str| head.header(&format!("{prefix}{name}"));
    let tags = |name| header(name).map(|text| ETagMatch::parse(&text));
    // A date that cannot be read is no condition.
    let date = |name| header(name).and_then(|text| Timestamp::parse_http_date(&text));
    ReadConditions {
        if_match: tags("if-match"),
        if_none_match: tags("if-none-match"),
        if_modified_since: date("if-modified-since"),
        if_unmodified_since: date("if-unmodified-since"),
    }
}

fn is_signature_v2(head: &Head) -> bool {
    let header = head.header("authorization").is_some_and(|text| text.starts_with("AWS "));
    header || head.query().has("AWSAccessKeyId")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::error::Code;
    use crate::s3::header::tests::head;

    fn write(headers: &[(&str, &str)]) -> Result<Option<WriteCondition>, Code> {
        write_condition(&head("PUT", "/b12/k", headers)).map_err(|error| error.code())
    }

    #[test]
    fn writes_know_two_conditions_one_at_a_time() {
        assert_eq!(write(&[]), Ok(None));
        assert_eq!(write(&[("if-none-match", "*")]), Ok(Some(WriteCondition::Absent)));
        let tags = WriteCondition::Matches(ETagMatch::parse("\"a\""));
        assert_eq!(write(&[("if-match", "\"a\"")]), Ok(Some(tags)));
        assert_eq!(write(&[("if-none-match", "\"a\"")]), Err(Code::NotImplemented));
        let both = [("if-none-match", "*"), ("if-match", "\"a\"")];
        assert_eq!(write(&both), Err(Code::NotImplemented));
        let v2 = [("if-none-match", "*"), ("authorization", "AWS a:b")];
        assert_eq!(write(&v2), Err(Code::InvalidRequest));
    }

    #[test]
    fn reads_and_copies_have_headers_of_their_own() {
        let head = head(
            "GET",
            "/b12/k",
            &[
                ("if-match", "a"),
                ("if-modified-since", "Wed, 21 Oct 2015 07:28:00 GMT"),
                ("if-unmodified-since", "yesterday"),
                ("x-amz-copy-source-if-none-match", "*"),
            ],
        );
        let read = read_conditions(&head);
        assert_eq!(read.if_match, Some(ETagMatch::parse("a")));
        assert_eq!(read.if_modified_since, Some(Timestamp(1_445_412_480_000)));
        assert_eq!((read.if_unmodified_since, read.if_none_match), (None, None));
        let copy = copy_conditions(&head);
        assert_eq!((copy.if_none_match, copy.if_match), (Some(ETagMatch::Any), None));
    }
}
