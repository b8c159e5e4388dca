//! Websites: what is read, and what stops the start.

#![allow(clippy::disallowed_methods, reason = "tests prepare files of their own")]

use super::tests::{Broken, from_env, load, refuses};
use crate::object::BucketName;

const BROKEN: &[Broken] = &[
    (
        "[website]\ndomains = [\"ok.example\", \"not ok\"]",
        "stowgate.toml:2: [website] domains: \"not ok\" is not a host name",
        &[],
    ),
    (
        "[website]\ndomains = [\"S3.localhost\"]",
        "stowgate.toml:2: [website] domains: \"s3.localhost\" is a base domain",
        &["s3-website"],
    ),
    (
        "[[bucket]]\nname = \"abc\"\nwebsite = true",
        "stowgate.toml:3: [[bucket]] website: no domain has websites",
        &["[website] domains"],
    ),
    (
        "[[bucket]]\nname = \"*\"\nwebsite = true\n[website]\ndomains = [\"w.example\"]",
        "stowgate.toml:3: [[bucket]] website: every bucket would be public",
        &[],
    ),
    ("[website]\ndomain = \"w.example\"", "stowgate.toml:2", &["unknown"]),
];

#[test]
fn what_is_wrong_stops_the_start() {
    refuses(BROKEN);
}

#[test]
fn domains_and_public_buckets_are_read() {
    let text = r#"
[website]
domains = ["S3-Website.localhost", "pages.example"]
[[bucket]]
name = "site"
website = true
[[bucket]]
name = "other"
website = false
"#;
    let website = load(text, &[]).expect("a good configuration").website;
    assert_eq!(website.domains, ["s3-website.localhost", "pages.example"]);
    let public: Vec<&str> = website.public.iter().map(BucketName::as_str).collect();
    assert_eq!(public, ["site"]);
    let named = [("STOWGATE_WEBSITE_DOMAINS", "a.example, b.example")];
    assert_eq!(load(text, &named).expect("both").website.domains, ["a.example", "b.example"]);
    assert_eq!(from_env(&[]).expect("the defaults").website.domains, [""; 0]);
    let changed = load(text, &named).expect("both");
    assert_eq!(load(text, &[]).expect("one").needs_restart(&changed), ["[website]"]);
    let taken = [("STOWGATE_WEBSITE_DOMAINS", "localhost")];
    let error = from_env(&taken).expect_err("a base domain");
    assert!(
        error.starts_with("STOWGATE_WEBSITE_DOMAINS: \"localhost\" is a base domain"),
        "{error}"
    );
}
