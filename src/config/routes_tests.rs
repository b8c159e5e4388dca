//! Upstreams, modes and the applications' variables: what they mean, and what stops the start.

#![allow(clippy::disallowed_methods, reason = "tests prepare files of their own")]

use std::time::Duration;

use super::tests::{Broken, from_env, load, refuses};
use super::{Checksums, Config, Encryption, Route, Upstream};
use crate::object::BucketName;

const BROKEN: &[Broken] = &[
    (
        "[[bucket]]\nname = \"storage\"",
        "stowgate.toml:2: [[bucket]] name: \"storage\" is reserved",
        &["another name"],
    ),
    ("[[bucket]]\nname = \"Upper\"", "stowgate.toml:2: [[bucket]] name:", &["lower-case"]),
    (
        "[[bucket]]\nname = \"abc\"\n[[bucket]]\nname = \"abc\"",
        "stowgate.toml:4: [[bucket]] name:",
        &["line 2"],
    ),
    (
        "[[bucket]]\nname = \"*\"\n[[bucket]]\nname = \"*\"",
        "stowgate.toml:4: [[bucket]] name: \"*\"",
        &["line 2"],
    ),
    (
        "[[bucket]]\nname = \"abc\"\nmode = \"fallback\"",
        "stowgate.toml:3: [[bucket]] mode: the mode \"fallback\" needs an upstream",
        &["upstream = \"…\""],
    ),
    (
        "[[bucket]]\nname = \"*\"\nmode = \"upstream\"",
        "stowgate.toml:3: [[bucket]] mode: the mode \"upstream\" needs an upstream",
        &[],
    ),
    (
        "[upstream.m]\n[[bucket]]\nname = \"abc\"\nmode = \"overlay\"\nupstream = \"m\"",
        "stowgate.toml:4: [[bucket]] mode: the mode \"overlay\" is not available in this version",
        &["\"local\""],
    ),
    (
        "[[bucket]]\nname = \"abc\"\nmode = \"mirror\"",
        "stowgate.toml:3: [[bucket]] mode: the mode \"mirror\" is not available in this version",
        &[],
    ),
    (
        "[[bucket]]\nname = \"abc\"\nmode = \"cloud\"",
        "stowgate.toml:3: [[bucket]] mode: \"cloud\" is no mode",
        &["\"local\"", "\"fallback\""],
    ),
    (
        "[[bucket]]\nname = \"abc\"\nmode = \"upstream\"\nupstream = \"main\"",
        "stowgate.toml:4: [[bucket]] upstream: there is no section [upstream.main]",
        &[],
    ),
    (
        "[upstream.mian]\n[[bucket]]\nname = \"abc\"\nmode = \"upstream\"\nupstream = \"main\"",
        "stowgate.toml:5: [[bucket]] upstream: there is no section [upstream.main]",
        &["\"mian\""],
    ),
    (
        "[upstream.m]\n[[bucket]]\nname = \"abc\"\nupstream = \"m\"",
        "stowgate.toml:4: [[bucket]] upstream: the bucket has an upstream but no mode",
        &["mode = \"fallback\""],
    ),
    (
        "[[bucket]]\nname = \"abc\"\nmode = \"local\"\nupstream_bucket = \"x\"",
        "stowgate.toml:4: [[bucket]] upstream_bucket: the bucket has no upstream",
        &[],
    ),
    (
        "[upstream.m]\n[[bucket]]\nname = \"abc\"\nmode = \"local\"\nupstream = \"m\"\nupstream_bucket = \"a/b\"",
        "stowgate.toml:6: [[bucket]] upstream_bucket: \"a/b\" is no bucket name",
        &[],
    ),
    (
        "[upstream.m]\n[[bucket]]\nname = \"abc\"\nmode = \"local\"\nupstream = \"m\"\nupstream_prefix = \"a\\u0007\"",
        "stowgate.toml:6: [[bucket]] upstream_prefix: ",
        &["control characters"],
    ),
    (
        "[upstream.m]\n[[bucket]]\nname = \"*\"\nmode = \"fallback\"\nupstream = \"m\"\nupstream_bucket = \"all\"",
        "stowgate.toml:6: [[bucket]] upstream_bucket: every other bucket would be the same one",
        &[],
    ),
    (
        "[upstream.m]\n[[bucket]]\nname = \"*\"\nmode = \"fallback\"\nupstream = \"m\"\nupstream_prefix = \"p\"",
        "stowgate.toml:6: [[bucket]] upstream_prefix: a bucket without a section of its own",
        &[],
    ),
    ("upstream = \"main\"", "stowgate.toml:1: upstream:", &[]),
    ("[upstream]\nregion = \"x\"", "stowgate.toml:2: [upstream] region:", &["a section"]),
    (
        "[upstream.main]\nendpint = \"http://a\"",
        "stowgate.toml:2: [upstream.main] endpint: unknown field",
        &["`endpoint`"],
    ),
    ("[upstream.\"a b\"]", "stowgate.toml:1", &["no name for an upstream"]),
    (
        "[upstream.main]\nendpoint = \"127.0.0.1:5000\"",
        "stowgate.toml:2: [upstream.main] endpoint: \"127.0.0.1:5000\"",
        &["https://s3.example.com"],
    ),
    (
        "[upstream.main]\nendpoint = \"ftp://a\"",
        "stowgate.toml:2: [upstream.main] endpoint: \"ftp://a\" does not begin with http:// or",
        &[],
    ),
    (
        "[upstream.main]\nendpoint = \"http://a/?x=y\"",
        "stowgate.toml:2: [upstream.main] endpoint:",
        &["a query"],
    ),
    (
        "[upstream.main]\nendpoint = \"http://localhost:9000/\"",
        "stowgate.toml:2: [upstream.main] endpoint:",
        &["this gateway itself"],
    ),
    ("[upstream.main]\nregion = \"US East\"", "stowgate.toml:2: [upstream.main] region:", &[]),
    (
        "[upstream.main]\naccess_key = \"AK\"",
        "stowgate.toml:2: [upstream.main] access_key: the key has no secret",
        &["secret_key_file"],
    ),
    (
        "[upstream.main]\nsecret_key = \"x\"",
        "stowgate.toml:1: [upstream.main]: has a secret but no access_key",
        &[],
    ),
    (
        "[upstream.main]\nsession_token = \"x\"",
        "stowgate.toml:2: [upstream.main] session_token: belongs to an access_key",
        &[],
    ),
    (
        "[upstream.main]\naccess_key = \"AK\"\nsecret_key = \"x\"\nsecret_key_file = \"y\"",
        "stowgate.toml:4: [upstream.main] secret_key_file:",
        &["one of the two"],
    ),
    (
        "[upstream.main]\naccess_key = \"A K\"\nsecret_key = \"x\"",
        "stowgate.toml:2: [upstream.main] access_key: should be",
        &[],
    ),
    (
        "[upstream.main]\nsse = \"aws:kms\"",
        "stowgate.toml:2: [upstream.main] sse: \"aws:kms\"",
        &["\"AES256\""],
    ),
    (
        "[upstream.main]\nca_file = \"/nowhere/ca.pem\"",
        "stowgate.toml:2: [upstream.main] ca_file: /nowhere/ca.pem cannot be read",
        &[],
    ),
    (
        "[upstream.main]\nconnect_timeout = 3",
        "stowgate.toml:2: [upstream.main] connect_timeout:",
        &["\"30s\""],
    ),
    (
        "[upstream.main]\nchecksums = \"never\"",
        "stowgate.toml:2: [upstream.main] checksums: \"never\"",
        &["\"when-required\""],
    ),
    ("[spool]\nmax_bytes = 1", "stowgate.toml:2: [spool] max_bytes:", &["1 MiB to"]),
    ("[spool]\nattempts = 0", "stowgate.toml:2: [spool] attempts:", &["1 to"]),
    ("[spool]\nattempts = \"x\"", "stowgate.toml:2: [spool] attempts:", &["a whole number"]),
    ("[spool]\nsize = 1", "stowgate.toml:2: [spool] size: unknown field", &["max_bytes"]),
    ("spool = 1", "stowgate.toml:1: spool:", &["a section"]),
];

#[test]
fn a_broken_upstream_or_route_is_named_with_line_key_and_what_would_be_right() {
    refuses(BROKEN);
}

fn route<'a>(config: &'a Config, bucket: &str) -> &'a Route {
    let name = BucketName::parse(bucket).expect("a good name");
    config.routes.named.get(&name).unwrap_or(&config.routes.default)
}

/// A bucket's mode, and upstream, bucket and prefix there.
fn shown(config: &Config, bucket: &str) -> String {
    let name = BucketName::parse(bucket).expect("a good name");
    let route = route(config, bucket);
    let mapping = route.upstream.as_ref().map_or_else(String::new, |mapping| {
        format!(" {}:{}/{}", mapping.upstream, mapping.bucket_of(&name), mapping.prefix)
    });
    format!("{:?}{mapping}", route.mode)
}

#[test]
fn an_upstream_has_every_setting_and_good_defaults() {
    let folder = tempfile::tempdir().expect("a folder");
    let (secret, ca) = (folder.path().join("secret"), folder.path().join("ca.pem"));
    std::fs::write(&secret, "of the file\n".replace(' ', "-")).expect("written");
    std::fs::write(&ca, "-----BEGIN CERTIFICATE-----\n").expect("written");
    let text = format!(
        "[upstream.full]\nendpoint = \"HTTPS://s3.example.com:8443/store/\"\nregion = \"auto\"\n\
         path_style = false\naccess_key = \"AK\"\nsecret_key_file = {secret:?}\n\
         session_token = \"token\"\nsse = \"AES256\"\nca_file = {ca:?}\nconnect_timeout = \"1s\"\n\
         first_byte_timeout = \"2s\"\nstall_timeout = \"3s\"\nchecksums = \"when-required\"\n\
         conditional_writes = false\ntags = false\n[upstream.aws]\n[upstream.plain]\nendpoint = \"http://h\""
    );
    let config = load(&text, &[]).expect("good");
    let full = config.upstream("full").expect("there");
    assert_eq!(full.endpoint.as_deref(), Some("HTTPS://s3.example.com:8443/store"));
    assert_eq!((full.region.as_str(), full.path_style), ("auto", false));
    let key = full.credentials.as_ref().expect("a key");
    assert_eq!((key.access_key.as_str(), key.secret_key.expose()), ("AK", "of-the-file"));
    assert_eq!(key.session_token.as_ref().map(crate::auth::Secret::expose), Some("token"));
    assert_eq!((full.sse, full.checksums), (Some(Encryption::Aes256), Checksums::WhenRequired));
    let times = [full.connect_timeout, full.first_byte_timeout, full.stall_timeout];
    assert_eq!(times.map(|time| time.as_secs()), [1, 2, 3]);
    assert!(!full.conditional_writes && !full.tags && full.ca.is_some());
    assert!(!format!("{config:?}").contains("of-the-file"));

    let aws = config.upstream("aws").expect("there");
    assert_eq!(*aws, Upstream::at("aws", None));
    assert!(!aws.path_style && aws.credentials.is_none() && aws.conditional_writes);
    assert!(config.upstream("plain").expect("there").path_style);
}

#[test]
fn a_bucket_has_the_route_of_its_section_or_the_default() {
    let text = "[upstream.m]\n[[bucket]]\nname = \"*\"\nmode = \"fallback\"\nupstream = \"m\"\n\
                [[bucket]]\nname = \"mapped\"\nmode = \"upstream\"\n\
                upstream = \"m\"\nupstream_bucket = \"Old_Name\"\n[[bucket]]\nname = \"named\"\n\
                [[bucket]]\nname = \"here\"\nmode = \"local\"";
    let config = load(text, &[]).expect("good");
    assert_eq!(shown(&config, "mapped"), "Upstream m:Old_Name/");
    assert_eq!(shown(&config, "named"), "Fallback m:named/");
    assert_eq!(shown(&config, "other"), "Fallback m:other/");
    assert_eq!(shown(&config, "here"), "Local");
    assert_eq!(config.routes.named.len(), 3);
}

#[test]
fn two_buckets_never_share_objects_upstream() {
    let upstreams = "[upstream.a]\nendpoint = \"http://One:80\"\n[upstream.b]\n\
                     endpoint = \"http://one/\"\n[upstream.c]\nendpoint = \"http://two\"\n";
    let bucket = |name: &str, upstream: &str, bucket: &str, prefix: &str| {
        format!(
            "[[bucket]]\nname = {name:?}\nmode = \"local\"\nupstream = {upstream:?}\n\
             upstream_bucket = {bucket:?}\nupstream_prefix = {prefix:?}\n"
        )
    };
    let apart = [
        bucket("one", "a", "same", "x/") + &bucket("two", "a", "same", "y/"),
        bucket("one", "a", "same", "") + &bucket("two", "c", "same", ""),
        bucket("one", "a", "two", "") + &bucket("two", "a", "one", ""),
    ];
    for text in apart {
        load(&format!("{upstreams}{text}"), &[]).expect(&text);
    }
    let shared = [
        bucket("one", "a", "same", "") + &bucket("two", "b", "same", "x/"),
        bucket("one", "a", "same", "x/y") + &bucket("two", "a", "same", "x/"),
        bucket("one", "a", "two", "") + &bucket("two", "a", "two", ""),
    ];
    for text in shared {
        let error = load(&format!("{upstreams}{text}"), &[]).expect_err(&text);
        assert!(error.contains("[[bucket]] name: \"two\" and the bucket \"one\""), "{error}");
    }
    let default = "[[bucket]]\nname = \"*\"\nmode = \"fallback\"\nupstream = \"a\"\n";
    let error = load(&format!("{upstreams}{default}{}", bucket("one", "a", "any", "x")), &[])
        .expect_err("bucket any is there by default");
    assert!(error.contains("\"one\" and the bucket \"any\""), "{error}");
    let named = bucket("one", "a", "any", "x") + &bucket("any", "a", "else", "");
    let error = load(&format!("{upstreams}{default}{named}"), &[]).expect_err("else is, too");
    assert!(error.contains("\"any\" and the bucket \"else\""), "{error}");
}

const KEY: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "0123456789")];

fn with_key<'a>(variables: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    KEY.iter().chain(variables).copied().collect()
}

/// Variables, whether the upstream's key is set as well, and the route of bucket `uploads`.
type Switched<'a> = (&'a [(&'a str, &'a str)], bool, &'a str);

/// VideoVote's four states and PSC's switch, by their own variables.
#[test]
fn the_applications_switches_choose_the_mode_of_their_bucket() {
    let cases: &[Switched<'_>] = &[
        (&[("USE_CLOUD_STORAGE", "false"), ("AWS_BUCKET_NAME", "uploads")], false, "Local"),
        (&[("STORAGE_BACKEND", "local"), ("S3_BUCKET", "uploads")], false, "Local"),
        (&[("S3_BUCKET", "uploads"), ("AWS_BUCKET_NAME", "uploads")], false, "Local"),
        (
            &[("USE_CLOUD_STORAGE", "False"), ("AWS_BUCKET_NAME", "uploads")],
            true,
            "Local environment:uploads/",
        ),
        (&[("S3_BUCKET", "uploads")], true, "Local environment:uploads/"),
        (
            &[("USE_CLOUD_STORAGE", "true"), ("AWS_BUCKET_NAME", "uploads")],
            true,
            "Fallback environment:uploads/",
        ),
        (
            &[("STORAGE_BACKEND", "S3"), ("S3_BUCKET", "uploads")],
            true,
            "Upstream environment:uploads/",
        ),
        (
            &[("STORAGE_BACKEND", "s3"), ("S3_BUCKET", "uploads")],
            false,
            "Upstream environment:uploads/",
        ),
    ];
    for (variables, key, route) in cases {
        let variables = if *key { with_key(variables) } else { variables.to_vec() };
        let config = from_env(&variables).expect(route);
        assert_eq!(shown(&config, "uploads"), *route, "{variables:?}");
        assert_eq!(shown(&config, "another"), "Local", "{variables:?}");
        assert_eq!(config.routes.named.len(), 1);
        assert!(config.keys.built_in && config.keys.ring.get("AKIA").is_none());
        let upstream = config.upstream("environment");
        assert_eq!(upstream.is_some_and(|upstream| upstream.credentials.is_some()), *key);
    }
}

#[test]
fn the_applications_upstream_is_aws_or_the_endpoint_in_path_style() {
    let on = [("USE_CLOUD_STORAGE", "true"), ("AWS_BUCKET_NAME", "uploads")];
    let config = from_env(&with_key(&on)).expect("good");
    let aws = config.upstream("environment").expect("there");
    assert_eq!((aws.endpoint.as_deref(), aws.path_style), (None, false));
    assert_eq!(aws.region, "us-east-1");
    let more = [("S3_ENDPOINT_URL", "http://127.0.0.1:5000/"), ("AWS_REGION", "eu-west-1")];
    let token = [("AWS_SESSION_TOKEN", "token")];
    let variables: Vec<_> = on.into_iter().chain(more).chain(token).collect();
    let config = from_env(&with_key(&variables)).expect("good");
    let own = config.upstream("environment").expect("there");
    assert_eq!(own.endpoint.as_deref(), Some("http://127.0.0.1:5000"));
    assert!(own.path_style && own.first_byte_timeout > Duration::ZERO);
    assert_eq!(own.region, "eu-west-1");
    let key = own.credentials.as_ref().expect("a key");
    assert_eq!((key.access_key.as_str(), key.secret_key.expose()), ("AKIA", "0123456789"));
    assert!(key.session_token.is_some());
}

#[test]
fn contradicting_variables_stop_the_start() {
    let bucket = ("S3_BUCKET", "uploads");
    let broken: &[(&[(&str, &str)], &str)] = &[
        (&[("STORAGE_BACKEND", "tape")], "STORAGE_BACKEND: \"tape\" is not local or s3"),
        (&[("USE_CLOUD_STORAGE", "maybe")], "USE_CLOUD_STORAGE: \"maybe\" is not true or false"),
        (
            &[("USE_CLOUD_STORAGE", "true"), ("STORAGE_BACKEND", "local"), bucket],
            "USE_CLOUD_STORAGE: STORAGE_BACKEND says the opposite",
        ),
        (
            &[("USE_CLOUD_STORAGE", "false"), ("STORAGE_BACKEND", "s3"), bucket],
            "USE_CLOUD_STORAGE: STORAGE_BACKEND says the opposite",
        ),
        (
            &[("USE_CLOUD_STORAGE", "true"), ("STORAGE_BACKEND", "s3"), bucket],
            "USE_CLOUD_STORAGE: is true, which keeps writes on this disk",
        ),
        (&[("USE_CLOUD_STORAGE", "true")], "USE_CLOUD_STORAGE: asks for cloud storage, but no"),
        (&[("STORAGE_BACKEND", "s3")], "STORAGE_BACKEND: asks for cloud storage, but no bucket"),
        (&[("S3_BUCKET", "one"), ("AWS_BUCKET_NAME", "two")], "S3_BUCKET: is \"one\" while"),
        (&[("S3_BUCKET", "storage")], "S3_BUCKET: \"storage\" is reserved"),
        (&[("AWS_BUCKET_NAME", "No")], "AWS_BUCKET_NAME: \"No\" is no bucket name"),
        (&[bucket, KEY[0]], "AWS_SECRET_ACCESS_KEY: is not set while AWS_ACCESS_KEY_ID is"),
        (&[bucket, KEY[1]], "AWS_ACCESS_KEY_ID: is not set while AWS_SECRET_ACCESS_KEY is"),
        (&[bucket, ("AWS_SESSION_TOKEN", "x")], "AWS_ACCESS_KEY_ID: is not set while AWS_SESSION"),
        (&[bucket, ("S3_ENDPOINT_URL", "minio:9000")], "S3_ENDPOINT_URL: \"minio:9000\""),
        (&[bucket, ("S3_ENDPOINT_URL", "http://127.0.0.1:9000")], "S3_ENDPOINT_URL: \"http://127"),
        (&[bucket, ("AWS_REGION", "a b")], "AWS_REGION: \"a b\" is not a region"),
        (&[bucket, KEY[0], ("AWS_SECRET_ACCESS_KEY", "a b")], "AWS_SECRET_ACCESS_KEY: should be"),
    ];
    for (variables, start) in broken {
        let error = from_env(variables).expect_err(start);
        assert!(error.starts_with(start), "{error}");
        assert!(!error.contains("0123456789"), "{error}");
    }
    // Without a bucket these are somebody else's.
    let config = from_env(&[KEY[0], ("S3_ENDPOINT_URL", "x")]).expect("not ours");
    assert!(config.upstreams.is_empty() && config.routes.named.is_empty());
}

#[test]
fn a_switch_in_the_environment_beats_the_mode_in_the_file_and_keeps_its_upstream() {
    let file = "[upstream.m]\n[[bucket]]\nname = \"uploads\"\nmode = \"local\"\nupstream = \"m\"\n\
                upstream_prefix = \"p/\"\n";
    let named = ("AWS_BUCKET_NAME", "uploads");
    for (switch, mode) in [("true", "Fallback m:uploads/p/"), ("false", "Local m:uploads/p/")] {
        let variables = [named, ("USE_CLOUD_STORAGE", switch), KEY[0], KEY[1]];
        let config = load(file, &variables).expect(mode);
        assert_eq!(shown(&config, "uploads"), mode);
        assert_eq!(config.upstreams.len(), 1, "the key is for the SDK's chain of [upstream.m]");
    }
    let endpoint = [named, ("S3_ENDPOINT_URL", "http://h")];
    let error = load(file, &endpoint).expect_err("two upstreams for one bucket");
    assert!(
        error.starts_with("S3_ENDPOINT_URL: the bucket's upstream is named in stow"),
        "{error}"
    );

    let only_named = "[[bucket]]\nname = \"uploads\"\n";
    let variables = [named, ("USE_CLOUD_STORAGE", "true"), KEY[0], KEY[1]];
    let config = load(only_named, &variables).expect("good");
    assert_eq!(shown(&config, "uploads"), "Fallback environment:uploads/");
    let taken = "[upstream.environment]\n";
    let error = load(taken, &variables).expect_err("the name is taken");
    assert!(error.starts_with("AWS_BUCKET_NAME: names an upstream of its own"), "{error}");
}

#[test]
fn the_spool_has_bounds() {
    let spool = from_env(&[]).expect("the defaults").spool;
    assert_eq!((spool.max_bytes, spool.max_objects), (64 << 30, 1_000_000));
    assert_eq!((spool.attempts, spool.concurrency), (8, 4));
    let text = "[spool]\nmax_bytes = \"1 GiB\"\nmax_objects = 5\nmax_age = \"1h\"\n\
                max_backoff = \"5s\"\nattempts = 3\nconcurrency = 2";
    let spool = load(text, &[]).expect("good").spool;
    assert_eq!((spool.max_bytes, spool.max_objects), (1 << 30, 5));
    assert_eq!((spool.max_age.as_secs(), spool.max_backoff.as_secs()), (3600, 5));
    assert_eq!((spool.attempts, spool.concurrency), (3, 2));
}

#[test]
fn what_changed_of_upstreams_and_routes_needs_a_restart() {
    let old = from_env(&[]).expect("the defaults");
    let text = "[upstream.m]\n[[bucket]]\nname = \"a-bucket\"\n[spool]\nattempts = 1";
    let new = load(text, &[]).expect("good");
    assert_eq!(old.needs_restart(&new), ["[upstream]", "[[bucket]]", "[spool]"]);
}
