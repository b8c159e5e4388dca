//! Key templates, prices and URLs: what they mean, and what stops the start.

#![allow(clippy::disallowed_methods, reason = "tests prepare files of their own")]

use super::tests::{Broken, from_env, load, refuses};
use super::{Links, Prices};
use crate::object::KeyTemplate;

const BROKEN: &[Broken] = &[
    (
        "[[bucket]]\nname = \"abc\"\nkey_template = \"{year}/{company}\"",
        "stowgate.toml:3: [[bucket]] key_template: {year} is no placeholder",
        &["{company}"],
    ),
    (
        "[[bucket]]\nname = \"abc\"\npublic_url = \"cdn.example.com\"",
        "stowgate.toml:3: [[bucket]] public_url: \"cdn.example.com\" is not a URL",
        &["https://"],
    ),
    (
        "[[bucket]]\nname = \"abc\"\npublic_url = \"https://cdn/?a=b\"",
        "stowgate.toml:3: [[bucket]] public_url:",
        &[],
    ),
    (
        "[[bucket]]\nname = \"abc\"\nlocal_url = \"static\"",
        "stowgate.toml:3: [[bucket]] local_url: \"static\" is not a path such as /static",
        &[],
    ),
    ("[usage]\ncurrency = \"dollars\"", "stowgate.toml:2: [usage] currency:", &["USD"]),
    ("[usage]\ns3_price = -1", "stowgate.toml:2: [usage] s3_price:", &["0 to"]),
    ("[usage]\nlocal_price = nan", "stowgate.toml:2: [usage] local_price:", &[]),
    ("[usage]\nprice = 1", "stowgate.toml:2", &["unknown"]),
];

#[test]
fn what_is_wrong_stops_the_start() {
    refuses(BROKEN);
}

#[test]
fn templates_prices_and_urls_are_read() {
    let config = load(
        r#"
[[bucket]]
name = "psc-accounting"
key_template = "attachments/{type}/company_{company}/{*}"
[[bucket]]
name = "videovote-uploads"
public_url = "https://cdn.example.com/v/"
local_url = "/static/"
[[bucket]]
name = "*"
key_template = "{company}/{*}"
[usage]
currency = "EUR"
local_price = 1
s3_price = 0.023
"#,
        &[],
    )
    .expect("a good configuration");
    let usage = config.usage;
    let template = |name: &str| usage.templates.of(name).map(|it| it.as_str().to_owned());
    assert_eq!(
        template("psc-accounting").as_deref(),
        Some("attachments/{type}/company_{company}/{*}")
    );
    assert_eq!(template("*").as_deref(), Some("{company}/{*}"));
    let prices = Prices { currency: "EUR".to_owned(), local: Some(1.0), s3: Some(0.023) };
    assert_eq!(usage.prices, prices);
    let links = Links {
        public: Some("https://cdn.example.com/v".to_owned()),
        local: Some("/static".to_owned()),
    };
    assert_eq!(usage.links.get("videovote-uploads"), Some(&links));
    assert_eq!(usage.links.len(), 1);
}

#[test]
fn the_environment_has_a_template_for_every_bucket() {
    let config = from_env(&[("STOWGATE_KEY_TEMPLATE", "{type}/{*}")]).expect("good");
    assert_eq!(config.usage.templates.of("any").map(KeyTemplate::as_str), Some("{type}/{*}"));
    let usual = from_env(&[]).expect("good").usage.templates;
    assert_eq!(usual.of("any"), Some(&KeyTemplate::default()));
    let error = from_env(&[("STOWGATE_KEY_TEMPLATE", "plain")]).expect_err("no label");
    assert!(error.contains("STOWGATE_KEY_TEMPLATE"), "{error}");
}
