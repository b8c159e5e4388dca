use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

const NOW: Timestamp = Timestamp(1_369_353_600_000);

fn parse(json: &str) -> Result<PostPolicy, String> {
    PostPolicy::parse(&STANDARD.encode(json)).map_err(|error| error.to_string())
}

fn fields(pairs: &[(&str, &str)]) -> Vec<FormField> {
    let field = |(name, value): &(&str, &str)| FormField {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    };
    pairs.iter().map(field).collect()
}

/// Judges a form with the bucket `b12` by the conditions, `{"bucket": "b12"}` among them.
fn judge(conditions: &str, form: &[(&str, &str)]) -> Result<RangeInclusive<u64>, String> {
    let comma = if conditions.is_empty() { "" } else { ", " };
    let json = format!(
        "{{\"expiration\": \"2013-05-24T00:00:01Z\", \
         \"conditions\": [{{\"bucket\": \"b12\"}}{comma}{conditions}]}}"
    );
    let form = [&[("bucket", "b12")], form].concat();
    let judged = parse(&json).unwrap().check(NOW, &fields(&form));
    judged.map_err(|error| {
        let text = error.to_string();
        text.strip_prefix("Invalid according to Policy: ").unwrap().to_owned()
    })
}

#[test]
fn conditions_hold_or_are_named() {
    for (conditions, form, failed) in [
        (r#"{"acl": "private"}"#, &[("acl", "private")][..], ""),
        (r#"{"AcL": "private"}"#, &[("acl", "private")], ""),
        (r#"{"acl": "private"}"#, &[("acl", "public-read")], r#"["eq", "$acl", "private"]"#),
        (r#"{"acl": "private"}"#, &[], r#"["eq", "$acl", "private"]"#),
        (r#"["EQ", "$aCl", "private"]"#, &[("acl", "private")], ""),
        (r#"["eq", "$acl", "pri"]"#, &[("acl", "private")], r#"["eq", "$acl", "pri"]"#),
        (r#"["starts-with", "$key", "user/"]"#, &[("key", "user/a")], ""),
        (
            r#"["starts-with", "$key", "user/"]"#,
            &[("key", "other/a")],
            r#"["starts-with", "$key", "user/"]"#,
        ),
        (r#"["starts-with", "$key", ""]"#, &[("key", "anything")], ""),
        (r#"["starts-with", "$key", ""]"#, &[], r#"["starts-with", "$key", ""]"#),
        (r#"["starts-with", "$key", "\\$f"]"#, &[("key", "\\$foo")], ""),
        (
            r#"["starts-with", "$Content-Type", "image/"]"#,
            &[("content-type", "image/jpg, image/png,image/gif")],
            "",
        ),
        (
            r#"["starts-with", "$Content-Type", "image/"]"#,
            &[("content-type", "image/jpg,text/html")],
            r#"["starts-with", "$content-type", "image/"]"#,
        ),
        (
            r#"["starts-with", "$x-amz-meta-a", "x"]"#,
            &[("x-amz-meta-a", "x"), ("x-amz-meta-a", "y")],
            r#"["starts-with", "$x-amz-meta-a", "x"]"#,
        ),
        (r#"{"a\"b": "c"}"#, &[], r#"["eq", "$a\"b", "c"]"#),
    ] {
        let outcome = judge(conditions, form).map(|_| String::new());
        let expected = match failed {
            "" => Ok(String::new()),
            failed => Err(format!("Policy Condition failed: {failed}")),
        };
        assert_eq!(outcome, expected, "{conditions} {form:?}");
    }
}

#[test]
fn every_field_is_named_but_those_that_cannot_be() {
    let free = [
        ("policy", "p"),
        ("x-amz-signature", "s"),
        ("signature", "s"),
        ("awsaccesskeyid", "a"),
        ("file", "f"),
        ("x-ignore-anything", "i"),
        ("x-amz-checksum-sha256", "c"),
        ("content-md5", "m"),
    ];
    assert!(judge("", &free).is_ok());
    let extra = judge("", &[("key", "k"), ("policy", "p"), ("acl", "private")]);
    assert_eq!(extra.unwrap_err(), "Extra input fields: key, acl");
    for name in ["x-amz-credential", "x-amz-meta-a", "success_action_status", "x-ignor", "tagging"]
    {
        let extra = judge("", &[(name, "v")]).unwrap_err();
        assert_eq!(extra, format!("Extra input fields: {name}"));
    }
    let json = r#"{"expiration": "2013-05-24T00:00:01Z", "conditions": []}"#;
    let refused = parse(json).unwrap().check(NOW, &fields(&[("bucket", "b12")])).unwrap_err();
    assert_eq!(refused.to_string(), "Invalid according to Policy: Extra input fields: bucket");
}

#[test]
fn the_sizes_are_what_all_ranges_allow() {
    assert_eq!(judge("", &[]), Ok(0..=u64::MAX));
    assert_eq!(judge(r#"["content-length-range", 1, 10]"#, &[]), Ok(1..=10));
    let two = r#"["content-length-range", 1, "10"], ["Content-Length-Range", "5", 20]"#;
    assert_eq!(judge(two, &[]), Ok(5..=10));
}

#[test]
fn a_policy_expires() {
    for (until, holds) in [
        ("2013-05-24T00:00:01Z", true),
        ("2013-05-24T00:00:00.001Z", true),
        ("2013-05-24T00:00:00Z", false),
        ("2013-05-23T23:59:59.999Z", false),
    ] {
        let json = format!("{{\"expiration\": \"{until}\", \"conditions\": []}}");
        let outcome = parse(&json).unwrap().check(NOW, &[]);
        match outcome {
            Ok(_) => assert!(holds, "{until}"),
            Err(error) => {
                assert!(!holds, "{until}");
                assert_eq!(error.to_string(), "Invalid according to Policy: Policy expired.");
            }
        }
    }
}

#[test]
fn what_is_no_policy_is_said() {
    let full = |condition: &str| {
        format!("{{\"expiration\": \"2013-05-24T00:00:01Z\", \"conditions\": [{condition}]}}")
    };
    for (json, words) in [
        (String::new(), "Invalid JSON"),
        ("[]".to_owned(), "Expecting a JSON object"),
        (r#"{"conditions": []}"#.to_owned(), "missing expiration"),
        (r#"{"expiration": "2013-05-24T00:00:01Z"}"#.to_owned(), "missing conditions"),
        (r#"{"EXPIRATION": "2013-05-24T00:00:01Z", "conditions": []}"#.to_owned(), "'EXPIRATION'"),
        (r#"{"expiration": "2013-05-24T00:00:01Z", "CONDITIONS": []}"#.to_owned(), "'CONDITIONS'"),
        (
            r#"{"expiration": "2013-05-24 00:00:01+00:00", "conditions": []}"#.to_owned(),
            "expiration",
        ),
        (
            r#"{"expiration": "2013-05-24T00:00:01+02:00", "conditions": []}"#.to_owned(),
            "expiration",
        ),
        (r#"{"expiration": 5, "conditions": []}"#.to_owned(), "expiration"),
        (r#"{"expiration": "2013-05-24T00:00:01Z", "conditions": {}}"#.to_owned(), "List"),
        (full("5"), "must be a List or an Object"),
        (full("{}"), "exactly one property"),
        (full(r#"{"a": "b", "c": "d"}"#), "exactly one property"),
        (full(r#"{"a": 5}"#), "must be a string"),
        (full(r#"["eq", "$a"]"#), "number of arguments"),
        (full(r#"["content-length-range", 0]"#), "number of arguments"),
        (full(r#"["content-length-range", -1, 0]"#), "0 or more"),
        (full(r#"["content-length-range", "+1", 2]"#), "0 or more"),
        (full(r#"["content-length-range", 2, 1]"#), "larger"),
        (full(r#"["eq", "a", "b"]"#), "begin with '$'"),
        (full(r#"["eq", "$", "b"]"#), "begin with '$'"),
        (full(r#"["eq", "$a", 5]"#), "must be a string"),
        (full(r#"["ends-with", "$a", "b"]"#), "unknown operation 'ends-with'"),
    ] {
        let error = parse(&json).unwrap_err();
        assert!(error.starts_with("Invalid Policy: ") && error.contains(words), "{json}: {error}");
    }
    assert!(PostPolicy::parse("no base64!").unwrap_err().to_string().contains("base64"));
    assert!(PostPolicy::parse(&STANDARD.encode(full(""))).is_ok());
}

proptest::proptest! {
    #[test]
    fn no_text_is_a_fault(text in "[\\[\\]{}\"$:, a-z0-9-]{0,80}") {
        let _ = parse(&text);
        let _ = PostPolicy::parse(&text);
    }
}
