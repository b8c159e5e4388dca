//! Upload rules: what is read, and what stops the start.

#![allow(clippy::disallowed_methods, reason = "tests prepare files of their own")]

use std::time::Duration;

use super::rules::{Names, ScannerAddress};
use super::tests::load;

#[test]
fn rules_are_read_with_their_defaults() {
    let config = load(
        r#"
        [[rule]]
        bucket = "media"
        prefix = "events/"
        name = "programmes"
        extensions = ["PDF"]
        content_types = ["Application/PDF"]
        detected_types = ["application/*"]
        match_content = true
        max_size = "10 MiB"
        min_size = 1
        block_dangerous = true
        names = "safe"
        unique_names = true
        antivirus = true

        [[rule]]
        bucket = "*"
        max_size = 5

        [antivirus]
        address = "unix:/run/clamav/clamd.ctl"
        when_away = "accept"
        scan_timeout = "10s"
        "#,
        &[],
    )
    .unwrap();
    let [first, second] = config.rules.rules.as_slice() else { panic!("two rules") };
    assert_eq!((first.name.as_str(), first.prefix.as_str()), ("programmes", "events/"));
    assert_eq!(first.bucket.as_ref().unwrap().as_str(), "media");
    assert!(first.extensions.as_ref().unwrap().contains("pdf"));
    assert_eq!(first.content_types.as_deref(), Some(&["application/pdf".to_owned()][..]));
    assert_eq!((first.max_size, first.min_size), (Some(10 << 20), 1));
    assert!(first.match_content && first.block_dangerous && first.unique_names && first.antivirus);
    assert_eq!(first.names, Names::Safe);
    assert_eq!((second.name.as_str(), &second.bucket, second.names), ("*/", &None, Names::Any));
    let scanner = config.rules.antivirus.unwrap();
    assert_eq!(scanner.address, ScannerAddress::Unix("/run/clamav/clamd.ctl".into()));
    assert!(scanner.accepts_away && !scanner.accepts_larger);
    assert_eq!(scanner.scan_timeout, Duration::from_secs(10));
}

#[test]
fn what_is_wrong_stops_the_start() {
    for (text, words) in [
        ("[[rule]]\nbucket = \"b12\"", "asks for nothing"),
        ("[[rule]]\nbucket = \"B_12\"\nmax_size = 1", "no bucket name"),
        ("[[rule]]\nbucket = \"b12\"\nextensions = [\".pdf\"]", "not an extension"),
        ("[[rule]]\nbucket = \"b12\"\ncontent_types = [\"pdf\"]", "not a content type"),
        ("[[rule]]\nbucket = \"b12\"\ndetected_types = [\"*/*\"]", "not a content type"),
        ("[[rule]]\nbucket = \"b12\"\nnames = \"nice\"", "\"any\", \"safe\" or \"refuse\""),
        ("[[rule]]\nbucket = \"b12\"\nmin_size = 2\nmax_size = 1", "more than max_size"),
        ("[[rule]]\nbucket = \"b12\"\nantivirus = true", "no section [antivirus]"),
        ("[[rule]]\nmax_size = 1", "bucket"),
        ("[[rule]]\nbucket = \"b12\"\nmax = 1", "max"),
        ("[antivirus]\naddress = \"clamd\"", "not an address"),
        ("[antivirus]\naddress = \"unix:\"", "not an address"),
        (
            "[antivirus]\naddress = \"127.0.0.1:1\"\nwhen_away = \"wait\"",
            "\"refuse\" or \"accept\"",
        ),
        ("[antivirus]\naddress = \"127.0.0.1:1\"\nscan_timeout = \"1ms\"", "out of bounds"),
    ] {
        let said = load(text, &[]).unwrap_err();
        assert!(said.contains(words), "{text}: {said}");
    }
}
