use crate::auth::grants::{Malformed, Policy};

const ACCESS: &str =
    r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b12/*""#;

fn bucket(text: &str) -> Result<Policy, Malformed> {
    Policy::for_bucket(text.as_bytes(), "b12")
}

/// The policy of one statement.
fn statement(fields: &str) -> Result<Policy, Malformed> {
    bucket(&format!(r#"{{"Version":"2012-10-17","Statement":[{{{fields}}}]}}"#))
}

/// The usual statement with a condition.
fn condition(block: &str) -> Result<Policy, Malformed> {
    statement(&format!(r#"{ACCESS},"Condition":{block}"#))
}

fn identity(fields: &str) -> Result<Policy, Malformed> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{{{fields}}}]}}"#);
    Policy::for_identity(text.as_bytes())
}

#[test]
fn lists_and_single_values_are_the_same() {
    let one = bucket(&format!(r#"{{"Statement":{{{ACCESS}}}}}"#)).unwrap();
    let many = bucket(
        r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:GetObject"],
            "Resource":["arn:aws:s3:::b12/*"]}]}"#,
    );
    assert_eq!(one, many.unwrap());
    assert!(
        bucket(&format!(r#"{{"Version":"2008-10-17","Id":"x","Statement":[{{{ACCESS}}}]}}"#))
            .is_ok()
    );
}

#[test]
fn required_fields_are_named() {
    assert_eq!(bucket("{}"), Err(Malformed::Missing("Statement")));
    assert_eq!(bucket(r#"{"Statement":[]}"#), Err(Malformed::Empty));
    for missing in ["Effect", "Principal", "Action", "Resource"] {
        let fields: Vec<&str> = ACCESS
            .split("\",\"")
            .filter(|field| !field.trim_matches('"').starts_with(missing))
            .collect();
        let fields: Vec<String> =
            fields.iter().map(|field| format!("\"{}\"", field.trim_matches('"'))).collect();
        assert_eq!(statement(&fields.join(",")), Err(Malformed::Missing(missing)), "{fields:?}");
    }
}

#[test]
fn what_has_no_meaning_is_refused() {
    let unknown = |name: &str| Err(Malformed::Unknown(name.to_owned()));
    assert_eq!(bucket(r#"{"Statements":[]}"#), unknown("Statements"));
    assert_eq!(statement(&format!(r#"{ACCESS},"Actions":"x""#)), unknown("Actions"));
    assert_eq!(
        statement(&format!(r#"{ACCESS},"Action":"s3:*""#)),
        Err(Malformed::Duplicate("Action".to_owned()))
    );
    assert_eq!(
        statement(&format!(r#"{ACCESS},"NotAction":"s3:*""#)),
        Err(Malformed::Both("Action"))
    );
    let version = format!(r#"{{"Version":"2013-01-01","Statement":[{{{ACCESS}}}]}}"#);
    assert_eq!(bucket(&version), Err(Malformed::Version));
    let lower = statement(&ACCESS.replace("Allow", "allow"));
    assert_eq!(lower, Err(Malformed::Effect("allow".to_owned())));
    let twice = format!(r#"{{"Statement":[{{"Sid":"a",{ACCESS}}},{{"Sid":"a",{ACCESS}}}]}}"#);
    assert_eq!(bucket(&twice), Err(Malformed::Sid));
    for text in ["", "null", "[]", " {}", "{", "{\"Statement\":"] {
        assert_eq!(bucket(text), Err(Malformed::Json), "{text}");
    }
    assert_eq!(bucket(r#"{"Statement":"x"}"#), Err(Malformed::Syntax));
}

#[test]
fn a_policy_has_a_largest_size() {
    let text = format!(r#"{{"Id":"{}","Statement":[{{{ACCESS}}}]}}"#, "x".repeat(20 * 1024));
    assert_eq!(bucket(&text), Err(Malformed::TooLarge));
    assert!(identity(r#""Effect":"Allow","Action":"*","Resource":"*""#).is_ok());
}

#[test]
fn principals_are_known_forms() {
    let with = |principal: &str| statement(&ACCESS.replace(r#""Principal":"*""#, principal));
    for principal in [
        r#""Principal":{"AWS":"*"}"#,
        r#""Principal":{"AWS":["123456789012","arn:aws:iam::main:root"]}"#,
        r#""Principal":{"CanonicalUser":"main-canonical-id"}"#,
        r#""Principal":{"Service":"logging.s3.amazonaws.com"}"#,
    ] {
        assert!(with(principal).is_ok(), "{principal}");
    }
    for principal in [
        r#""Principal":"x""#,
        r#""Principal":{}"#,
        r#""Principal":["*"]"#,
        r#""Principal":{"AWS":[]}"#,
        r#""Principal":{"AWS":7}"#,
        r#""Principal":{"Users":"*"}"#,
        r#""Principal":{"AWS":"arn:aws:iam::main:user/*"}"#,
        r#""Principal":{"CanonicalUser":"*"}"#,
    ] {
        assert_eq!(with(principal), Err(Malformed::Principal), "{principal}");
    }
    let not = with(r#""NotPrincipal":{"AWS":"main"}"#);
    assert_eq!(not, Err(Malformed::AllowNotPrincipal));
    let both = with(r#""Principal":"*","NotPrincipal":{"AWS":"main"}"#);
    assert_eq!(both, Err(Malformed::Both("Principal")));
}

#[test]
fn an_identitys_policy_has_no_principal() {
    assert_eq!(identity(ACCESS), Err(Malformed::UnwantedPrincipal));
    assert!(
        identity(r#""Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::x""#).is_ok()
    );
    assert!(
        identity(r#""Effect":"Allow","Action":"sts:*","Resource":"arn:aws:iam::1:role/x""#).is_ok()
    );
    let typo = identity(r#""Effect":"Allow","Action":"s3:GetObjects","Resource":"*""#);
    assert_eq!(typo, Err(Malformed::Action));
}

#[test]
fn a_buckets_policy_is_about_it_and_what_it_can_have() {
    let with = |action: &str, resource: &str| {
        let fields = ACCESS.replace("s3:GetObject", action);
        statement(&fields.replace("arn:aws:s3:::b12/*", resource)).err()
    };
    assert_eq!(with("s3:ListBucket", "arn:aws:s3:::b12"), None);
    assert_eq!(with("s3:ListBucket", "arn:aws:s3:::*"), None);
    assert_eq!(with("s3:*", "arn:aws:s3:::b12"), None);
    assert_eq!(with("*", "arn:aws:s3:::b12/a*"), None);
    assert_eq!(with("s3:GetObject", "arn:aws:s3:::other/*"), Some(Malformed::Resource));
    assert_eq!(with("s3:GetObject", "arn:aws:s3:::b12x/*"), Some(Malformed::Resource));
    assert_eq!(with("s3:GetObject", "*"), Some(Malformed::Resource));
    assert_eq!(with("s3:GetObject", "b12/*"), Some(Malformed::Resource));
    assert_eq!(with("s3:Nothing", "arn:aws:s3:::b12/*"), Some(Malformed::Action));
    assert_eq!(with("sqs:SendMessage", "arn:aws:s3:::b12/*"), Some(Malformed::Action));
    assert_eq!(with("s3:GetObject", "arn:aws:s3:::b12"), Some(Malformed::Inapplicable));
    assert_eq!(with("s3:ListBucket", "arn:aws:s3:::b12/*"), Some(Malformed::Inapplicable));
}

#[test]
fn conditions_have_known_operators_keys_and_values() {
    for block in [
        r#"{"StringEquals":{"s3:prefix":["","home/"]},"Bool":{"aws:SecureTransport":true}}"#,
        r#"{"NumericLessThanEquals":{"s3:max-keys":10}}"#,
        r#"{"StringEquals":{"s3:ExistingObjectTag/Team":"x","s3:RequestObjectTagKeys":"a"}}"#,
        r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32","192.0.2.1"]}}"#,
        r#"{"ForAllValues:StringLikeIfExists":{"jwt:groups":"${aws:username, 'x'}"}}"#,
        r#"{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}"#,
        r#"{"Null":{"s3:x-amz-acl":"true"}}"#,
        r"{}",
    ] {
        assert!(condition(block).is_ok(), "{block}: {:?}", condition(block).err());
    }
    let operator = |name: &str| Err(Malformed::Operator(name.to_owned()));
    let value = |name: &str| Err(Malformed::Value(name.to_owned()));
    for (block, expected) in [
        (r#"{"StringIs":{"s3:prefix":"a"}}"#, operator("StringIs")),
        (r#"{"StringEquals":{"s3:prefixes":"a"}}"#, Err(Malformed::Key)),
        (r#"{"StringEquals":{"prefix":"a"}}"#, Err(Malformed::Key)),
        (r#"{"StringEquals":{"s3:ExistingObjectTag/":"a"}}"#, Err(Malformed::Key)),
        (r#"{"NumericEquals":{"s3:max-keys":"ten"}}"#, value("NumericEquals")),
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/99"}}"#, value("IpAddress")),
        (r#"{"Bool":{"aws:SecureTransport":"yes"}}"#, value("Bool")),
        (r#"{"DateEquals":{"aws:CurrentTime":"now"}}"#, value("DateEquals")),
        (r#"{"StringEquals":{"s3:prefix":"${aws:username"}}"#, Err(Malformed::Variable)),
        (r#"{"StringEquals":"a"}"#, Err(Malformed::Syntax)),
        (r#"{"StringEquals":{"s3:prefix":{"a":1}}}"#, Err(Malformed::Syntax)),
        ("[]", Err(Malformed::Syntax)),
    ] {
        assert_eq!(condition(block), expected, "{block}");
    }
}

#[test]
fn the_words_are_those_of_s3() {
    let text = |error: Malformed| error.to_string();
    assert_eq!(text(Malformed::Json), "Policies must be valid JSON and the first byte must be '{'");
    assert_eq!(text(Malformed::Missing("Action")), "Missing required field Action");
    assert_eq!(text(Malformed::Resource), "Policy has invalid resource");
    assert_eq!(text(Malformed::Principal), "Invalid principal in policy");
}

#[test]
fn public_is_what_everyone_gets() {
    let is_public = |block: &str| condition(block).unwrap().is_public();
    assert!(is_public("{}"));
    for block in [
        r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/32"}}"#,
        r#"{"StringEquals":{"aws:SourceVpce":["vpce-1","vpce-2"]}}"#,
        r#"{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::1:user/x"}}"#,
        r#"{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:1:t"},"Bool":{"aws:SecureTransport":true}}"#,
    ] {
        assert!(!is_public(block), "{block}");
    }
    for block in [
        r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/7"}}"#,
        r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","0.0.0.0/0"]}}"#,
        r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/32"}}"#,
        r#"{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#,
        r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#,
        r#"{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}"#,
        r#"{"StringEquals":{"aws:SourceVpc":"${aws:username}"}}"#,
        r#"{"StringEquals":{"aws:Referer":"http://x"}}"#,
        r#"{"ForAllValues:StringEquals":{"aws:SourceVpc":"vpc-1"}}"#,
        r#"{"IpAddress":{"aws:SourceIp":"2001::/16"}}"#,
    ] {
        assert!(is_public(block), "{block}");
    }
    let named = statement(&ACCESS.replace(r#""*""#, r#"{"AWS":"main"}"#)).unwrap();
    assert!(!named.is_public());
    assert!(!statement(&ACCESS.replace("Allow", "Deny")).unwrap().is_public());
}

#[test]
fn it_is_known_which_values_a_policy_asks_for() {
    let policy = condition(r#"{"StringEquals":{"s3:ExistingObjectTag/a":"${jwt:sub}"}}"#).unwrap();
    assert!(policy.mentions("s3:existingobjecttag/") && policy.mentions("jwt:sub"));
    assert!(!policy.mentions("s3:requestobjecttag/"));
}
