use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::auth::grants::{FixedFacts, NoFacts};

const ALL: Reading = Reading { wildcards: true, variables: true };

fn like(pattern: &str, text: &str) -> bool {
    Pattern::parse(pattern, ALL).unwrap().matches(text, Case::Sensitive, &NoFacts) == Match::Yes
}

#[test]
fn a_star_is_anything_and_a_question_mark_one_character() {
    for (pattern, text) in [
        ("", ""),
        ("*", ""),
        ("*", "a/b"),
        ("a*", "a"),
        ("a*c", "abbc"),
        ("*a*b*", "xxaxxbxx"),
        ("a?c", "aüc"),
        ("**", "a"),
        ("*.pdf", "a.pdf.pdf"),
    ] {
        assert!(like(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in
        [("", "a"), ("a", ""), ("a?", "a"), ("a*c", "ab"), ("?", ""), ("*a", "b"), ("A", "a")]
    {
        assert!(!like(pattern, text), "{pattern} {text}");
    }
}

#[test]
fn case_is_ignored_where_that_is_asked_for() {
    let pattern = Pattern::parse("s3:get*", Reading::WILDCARDS).unwrap();
    assert!(pattern.matches_plain("s3:GetObject", Case::Ignored));
    assert!(!pattern.matches_plain("s3:GetObject", Case::Sensitive));
}

#[test]
fn variables_stand_for_values_which_are_never_patterns() {
    let facts = FixedFacts::default().with("aws:username", "a*").with("jwt:sub", "7");
    let matches = |pattern: &str, text: &str| {
        Pattern::parse(pattern, ALL).unwrap().matches(text, Case::Sensitive, &facts)
    };
    assert_eq!(matches("home/${aws:username}/*", "home/a*/x"), Match::Yes);
    assert_eq!(matches("home/${AWS:UserName}/*", "home/ab/x"), Match::No);
    assert_eq!(matches("${jwt:sub}", "7"), Match::Yes);
    assert_eq!(matches("${jwt:aud}", "7"), Match::Unresolved);
    assert_eq!(matches("${jwt:aud, 'no one'}", "no one"), Match::Yes);
    assert_eq!(matches("${jwt:sub,'8'}", "7"), Match::Yes);
    assert_eq!(matches("${*}${?}${$}", "*?$"), Match::Yes);
    assert_eq!(matches("${*}", "x"), Match::No);
}

#[test]
fn variables_are_plain_text_where_they_are_not_read() {
    let pattern = Pattern::parse("${aws:username}", Reading::WILDCARDS).unwrap();
    assert!(pattern.matches_plain("${aws:username}", Case::Sensitive));
    assert_eq!(Pattern::parse("${aws:username", ALL), Err(Unclosed));
}

#[test]
fn arns_are_compared_colon_by_colon() {
    let matches = |pattern: &str, text: &str| {
        Pattern::parse(pattern, ALL).unwrap().matches_arn(text, &NoFacts) == Match::Yes
    };
    assert!(matches("arn:aws:iam::1:user/*", "arn:aws:iam::1:user/a:b"));
    assert!(matches("arn:*:iam::*:user/x", "arn:aws:iam::1:user/x"));
    assert!(!matches("arn:*:user/x", "arn:aws:iam::1:user/x"));
    assert!(!matches("arn:aws:iam::1:user/*", "arn:aws:iam::12:user/a"));
    assert!(matches("*", "arn:aws:iam::12:user/a"));
}

#[test]
fn keys_have_no_case_but_a_tags_has() {
    assert_eq!(ConditionKey::new("AWS:SourceIP"), ConditionKey::new("aws:sourceip"));
    let tag = ConditionKey::new("S3:ExistingObjectTag/Team");
    assert_eq!(tag.below("s3:existingobjecttag/"), Some("Team"));
    assert_eq!(ConditionKey::new("aws:PrincipalTag/Company").as_str(), "aws:principaltag/company");
}

#[test]
fn hostile_wildcards_end_soon() {
    let started = Instant::now();
    let pattern = Pattern::parse(&"*a".repeat(500), ALL).unwrap();
    let text = "a".repeat(1024) + "b";
    for _ in 0..20 {
        assert!(!pattern.matches_plain(&text, Case::Sensitive));
    }
    assert!(started.elapsed().as_secs() < 10);
}

/// What a wildcard means, said as simply as can be.
fn oracle(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|skip| oracle(rest, &text[skip..])),
        ['?', rest @ ..] => !text.is_empty() && oracle(rest, &text[1..]),
        [c, rest @ ..] => text.first() == Some(c) && oracle(rest, &text[1..]),
    }
}

proptest! {
    #[test]
    fn matches_as_its_meaning_says(pattern in "[ab*?]{0,10}", text in "[ab]{0,10}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(like(&pattern, &text), oracle(&chars(&pattern), &chars(&text)));
    }

    #[test]
    fn a_text_without_wildcards_is_itself_alone(pattern in "[a-c]{0,6}", text in "[a-c]{0,6}") {
        let fixed = Pattern::parse(&pattern, ALL).unwrap();
        prop_assert!(fixed.is_fixed());
        prop_assert_eq!(fixed.matches_plain(&text, Case::Sensitive), pattern == text);
    }
}
