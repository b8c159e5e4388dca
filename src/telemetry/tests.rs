//! What the log tells of, and what it never does.

use super::*;

#[test]
fn what_is_signed_is_never_told() {
    for level in [
        "trace",
        "aws=trace",
        "info,aws_sigv4=debug",
        "aws_sigv4::http_request=trace",
        "off,aws_sigv4::http_request::sign=trace",
        "aws_smithy_runtime::client::orchestrator=trace",
    ] {
        let level = tempered(level.parse().expect("a level"));
        for target in [
            "aws_sigv4::http_request::sign",
            "aws_smithy_runtime::client::orchestrator",
            "aws_runtime::auth::sigv4",
        ] {
            assert!(!level.would_enable(target, &Level::DEBUG), "{target} of {level}");
            assert!(!level.would_enable(target, &Level::TRACE), "{target} of {level}");
        }
    }
    let own = tempered("stowgate=trace,aws_sigv4=trace".parse().expect("a level"));
    assert!(own.would_enable("stowgate::s3", &Level::TRACE));
    assert!(own.would_enable("aws_sigv4::http_request", &Level::INFO));
    let quiet = tempered("warn".parse().expect("a level"));
    assert!(!quiet.would_enable("aws_sigv4::http_request", &Level::INFO));
}

#[test]
fn the_sdks_warnings_are_kept_down_where_details_are_not_wanted() {
    for (level, warns) in [("info", false), ("warn", false), ("debug", true), ("off", false)] {
        let level = tempered(level.parse().expect("a level"));
        assert_eq!(level.would_enable(CHATTY, &Level::WARN), warns, "{level}");
    }
    assert!(tempered("info".parse().expect("a level")).would_enable("stowgate", &Level::INFO));
    let off = tempered("off".parse().expect("a level"));
    assert!(!off.would_enable(CHATTY, &Level::ERROR));
}
