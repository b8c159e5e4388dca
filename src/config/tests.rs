//! Every fault has its place, and everything that is shipped is right.

#![allow(clippy::disallowed_methods, reason = "tests prepare files of their own")]

use std::path::{Path, PathBuf};

use super::*;
use crate::auth::Role;

/// Loads a file of this text.
pub(super) fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stowgate.toml");
    std::fs::write(&path, text).expect("written");
    let flags = Flags { config: Some(path), ..Flags::default() };
    let prefix = format!("{}/", folder.path().display());
    Config::load(&flags, &Env::of(variables.iter().copied()))
        .map_err(|error| error.to_string().replace(&prefix, ""))
}

/// Loads from the environment alone.
pub(super) fn from_env(variables: &[(&str, &str)]) -> Result<Config, String> {
    Config::load(&Flags::default(), &Env::of(variables.iter().copied()))
        .map_err(|error| error.to_string())
}

const KEY: &str = "[[key]]\naccess_key = \"AK\"\nsecret_key = \"0123456789\"\n";

#[test]
fn without_anything_the_defaults_hold() {
    let config = from_env(&[]).expect("the defaults are right");
    assert_eq!(config.listen.to_string(), "127.0.0.1:9000");
    assert_eq!(config.data_dir, PathBuf::from("stowgate-data"));
    assert_eq!(config.region, "us-east-1");
    assert!(config.tls.is_none() && config.routes.named.is_empty());
    assert_eq!(config.auth, Auth { sigv2: true, strict_region: false });
    assert!(config.keys.built_in);
    let key = config.keys.ring.get(BUILT_IN_ACCESS_KEY).expect("the built-in key");
    assert_eq!(key.secret.expose(), BUILT_IN_SECRET_KEY);
    assert_eq!(key.identity.role, Role::Admin);
    assert_eq!(key.identity.owner.display_name, "stowgate");
    assert_eq!(key.identity.owner, config.keys.operator);
    assert_eq!(config.server.base_domains, ["s3.localhost", "localhost"]);
    assert_eq!(config.store.multipart_expiry.as_secs(), 7 * 86_400);
    assert_eq!(config.store.pack_limit, 131_072);
}

/// A file, how the message starts, and what else is in it.
pub(super) type Broken = (&'static str, &'static str, &'static [&'static str]);

const BROKEN: &[Broken] = &[
    ("lisen = \"x\"", "stowgate.toml:1: lisen: unknown field `lisen`", &["`listen`"]),
    ("\nlisten = \"9000\"", "stowgate.toml:2: listen: \"9000\"", &["127.0.0.1:9000"]),
    ("listen = 9000", "stowgate.toml:1: listen: invalid type", &["string"]),
    ("listen = \"a", "stowgate.toml:1", &["string"]),
    ("[server]\n\nmax_connections = 0", "stowgate.toml:3: [server] max_connections:", &["1 to"]),
    (
        "[server]\nmax_connections = \"x\"",
        "stowgate.toml:2: [server] max_connections:",
        &["a whole number"],
    ),
    (
        "[server]\nidle_timeout = \"2 weeks\"",
        "stowgate.toml:2: [server] idle_timeout:",
        &["\"7d\""],
    ),
    ("[server]\nidle_timeout = 120", "stowgate.toml:2: [server] idle_timeout:", &["\"30s\""]),
    (
        "[server]\nbase_domains = [\n  \"ok.example\",\n  \"not ok\",\n]",
        "stowgate.toml:4: [server] base_domains:",
        &["s3.example.com"],
    ),
    (
        "[server]\nmax_header_size = \"1 B\"",
        "stowgate.toml:2: [server] max_header_size:",
        &["1 KiB to 64 KiB"],
    ),
    ("[store]\npack_limit = \"8 X\"", "stowgate.toml:2: [store] pack_limit:", &["\"128 KiB\""]),
    ("[store]\npack_limit = -8", "stowgate.toml:2: [store] pack_limit:", &["negative"]),
    ("[store]\nallow_network = 1", "stowgate.toml:2: [store] allow_network:", &["true or"]),
    ("[store]\nsegment = 1", "stowgate.toml:2: [store] segment: unknown field", &["segment_size"]),
    ("[log]\nlevel = \"loud\"", "stowgate.toml:2: [log] level: \"loud\"", &["debug"]),
    ("[log]\nformat = \"xml\"", "stowgate.toml:2: [log] format:", &["`json`"]),
    ("region = \"US East\"", "stowgate.toml:1: region:", &["us-east-1"]),
    ("[tls]\ncert = \"a\"", "stowgate.toml:1: [tls]", &["missing field `key`"]),
    ("tls = true", "stowgate.toml:1: tls:", &["expected a section"]),
    ("[key]\naccess_key = \"AK\"", "stowgate.toml:1: [key]:", &["double brackets"]),
    ("[server]\nbase_domains = \"a\"", "stowgate.toml:2: [server] base_domains:", &["a list"]),
    ("data_dir = \"\"", "stowgate.toml:1: data_dir: is empty", &["stowgate-data"]),
    ("data_dir = 3", "stowgate.toml:1: data_dir:", &["a path"]),
    ("[[key]]\naccess_key = \"AK\"", "stowgate.toml:2: [[key]] access_key:", &["secret_key_file"]),
    (
        "[[key]]\nsecret_key = \"0123456789\"",
        "stowgate.toml:1: [[key]]",
        &["missing field `access_key`"],
    ),
    (
        "[[key]]\naccess_key = \"A/B\"\nsecret_key = \"0123456789\"",
        "stowgate.toml:2: [[key]] access_key: \"A/B\"",
        &["letters, digits"],
    ),
    (
        "[[key]]\naccess_key = \"AK\"\nsecret_key = \"short\"",
        "stowgate.toml:3: [[key]] secret_key:",
        &["8 characters"],
    ),
    (
        "[[key]]\naccess_key = \"AK\"\nsecret_key_file = \"/nowhere/at/all\"",
        "stowgate.toml:3: [[key]] secret_key_file: /nowhere/at/all",
        &["cannot be read"],
    ),
    (
        "[[key]]\naccess_key = \"AK\"\nsecret_key = \"0123456789\"\nsecret_key_file = \"x\"",
        "stowgate.toml:4: [[key]] secret_key_file:",
        &["one of the two"],
    ),
    (
        "[[key]]\naccess_key = \"AK\"\nsecret_key = \"0123456789\"\nrole = \"root\"",
        "stowgate.toml:4: [[key]] role: \"root\"",
        &["\"read-write\""],
    ),
    (
        "[[key]]\naccess_key = \"AK\"\nsecret_key = \"0123456789\"\nrole = \"policy\"",
        "stowgate.toml:4: [[key]] role:",
        &["policy_file"],
    ),
    (
        "[[key]]\naccess_key = \"AK\"\nsecret_key = \"0123456789\"\nuser_id = \"\"",
        "stowgate.toml:4: [[key]] user_id:",
        &["1 to 256"],
    ),
    ("[admin]\nlisten = \"x\"", "stowgate.toml:2: [admin] listen", &["is not an address"]),
    (
        "[admin]\nlisten = \"localhost:9000\"",
        "stowgate.toml:2: [admin] listen",
        &["leave this out"],
    ),
    ("[admin]\nlisten = \"0.0.0.0:9001\"", "stowgate.toml:2: [admin] listen", &["built-in secret"]),
];

#[test]
fn a_broken_file_is_named_with_line_key_and_what_would_be_right() {
    refuses(BROKEN);
}

/// Every file is refused with its message.
pub(super) fn refuses(broken: &[Broken]) {
    for (text, place, hints) in broken {
        let error = load(text, &[]).expect_err(text);
        assert!(error.starts_with(place), "{text}\n-> {error}");
        for hint in *hints {
            assert!(error.contains(hint), "{text}\n-> {error}\nlacks {hint}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_or_not_text_is_named() {
    let flags = Flags { config: Some("/nowhere/stowgate.toml".into()), ..Flags::default() };
    let error = Config::load(&flags, &Env::default()).expect_err("no such file").to_string();
    assert!(error.starts_with("/nowhere/stowgate.toml: cannot be read"), "{error}");
}

#[test]
fn a_certificate_that_cannot_be_read_is_named_with_its_place() {
    let text = "[tls]\ncert = \"/nowhere/cert.pem\"\nkey = \"/nowhere/key.pem\"\n";
    let tls = load(text, &[]).expect("not read yet").tls.expect("there");
    let error = tls.read().expect_err("no such file").to_string();
    assert!(
        error.ends_with("stowgate.toml:2: [tls] cert: /nowhere/cert.pem cannot be read: No such file or directory (os error 2)"),
        "{error}"
    );
}

#[test]
fn secrets_are_never_shown() {
    for text in [
        "[[key]]\naccess_key = \"AK\"\nsecret_key = 4711471147114711",
        "[[key]]\naccess_key = \"AK\"\nsecret_key = [\"4711471147114711\"]",
        "[[key]]\naccess_key = \"A K\"\nsecret_key = \"4711471147114711\"",
        "[[key]]\naccess_key = \"AK\"\nsecret_key = \"4711471147114711\" x",
    ] {
        let error = load(text, &[]).expect_err(text);
        assert!(!error.contains("4711"), "{error}");
    }
    let config = load(KEY, &[]).expect("a good key");
    assert!(!format!("{config:?}").contains("0123456789"));
}

#[test]
fn flags_beat_the_environment_which_beats_the_file() {
    let file =
        "listen = \"127.0.0.1:1\"\ndata_dir = \"a\"\nregion = \"r-1\"\n[log]\nformat = \"text\"";
    let config = load(file, &[]).expect("the file alone");
    assert_eq!((config.listen.port(), config.region.as_str()), (1, "r-1"));
    assert_eq!(config.log.format, LogFormat::Text);

    let variables = [
        ("STOWGATE_LISTEN", "localhost:2"),
        ("STOWGATE_ADMIN_LISTEN", "localhost:3"),
        ("STOWGATE_DATA_DIR", "b"),
        ("STOWGATE_REGION", "r-2"),
        ("STOWGATE_LOG_FORMAT", "json"),
        ("STOWGATE_BASE_DOMAINS", "S3.Example.com, other.example"),
        ("STOWGATE_TLS_CERT", "c.pem"),
        ("STOWGATE_TLS_KEY", "k.pem"),
    ];
    let config = load(file, &variables).expect("file and environment");
    assert_eq!((config.listen.port(), config.region.as_str()), (2, "r-2"));
    assert_eq!(config.admin_listen.map(|listen| listen.port()), Some(3));
    assert_eq!(config.data_dir, PathBuf::from("b"));
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.server.base_domains, ["s3.example.com", "other.example"]);
    let tls = config.tls.as_ref().expect("both are named");
    assert_eq!([&tls.cert, &tls.key], [Path::new("c.pem"), Path::new("k.pem")]);

    let flags = Flags {
        listen: Some("[::1]:3".into()),
        data_dir: Some("c".into()),
        log_format: Some(LogFormat::Auto),
        config: None,
    };
    let config = Config::load(&flags, &Env::of(variables)).expect("flags too");
    assert_eq!(config.listen.to_string(), "[::1]:3");
    assert_eq!((config.data_dir, config.log.format), (PathBuf::from("c"), LogFormat::Auto));
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let names =
        ["LISTEN", "DATA_DIR", "CONFIG", "ACCESS_KEY", "SECRET_KEY", "SECRET_KEY_FILE", "LOG"];
    let names: Vec<String> = names.iter().map(|name| format!("STOWGATE_{name}")).collect();
    let ours = names.iter().map(String::as_str);
    let theirs = ["USE_CLOUD_STORAGE", "STORAGE_BACKEND", "S3_BUCKET", "AWS_BUCKET_NAME"];
    let env = Env::of(ours.chain(theirs).map(|name| (name, "")));
    let config = Config::load(&Flags::default(), &env).expect("as if nothing was set");
    assert!(config.keys.built_in && config.routes.named.is_empty());
}

#[test]
fn only_a_key_of_ones_own_opens_the_port_to_others() {
    let error = load("listen = \"0.0.0.0:9000\"", &[]).expect_err("the built-in key");
    assert!(
        error.starts_with("stowgate.toml:1: listen: 0.0.0.0:9000 is not a loopback"),
        "{error}"
    );
    let flags = Flags { listen: Some("[::]:9000".into()), ..Flags::default() };
    let error = Config::load(&flags, &Env::default()).expect_err("by flag").to_string();
    assert!(error.starts_with("--listen: "), "{error}");
    let spelled_out =
        "listen = \"192.0.2.1:1\"\n[[key]]\naccess_key = \"AK\"\nsecret_key = \"stowgate-secret\"";
    assert!(load(spelled_out, &[]).is_err());
    for listen in ["127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "localhost:1"] {
        load(&format!("listen = \"{listen}\""), &[]).expect(listen);
    }
    load(&format!("listen = \"0.0.0.0:9000\"\n{KEY}"), &[]).expect("a key of one's own");
}

#[test]
fn a_key_comes_from_the_environment_as_text_or_as_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secret");
    std::fs::write(&path, "from-the-file\r\n").expect("written");
    let path = path.to_str().expect("UTF-8");
    for (name, value, secret) in [
        ("STOWGATE_SECRET_KEY", "from-the-variable", "from-the-variable"),
        ("STOWGATE_SECRET_KEY_FILE", path, "from-the-file"),
    ] {
        let config = from_env(&[("STOWGATE_ACCESS_KEY", "MINE"), (name, value)]).expect(name);
        let key = config.keys.ring.get("MINE").expect("the key");
        assert_eq!(key.secret.expose(), secret);
        assert_eq!(key.identity.role, Role::Admin);
        assert!(!config.keys.built_in && config.keys.ring.get("stowgate").is_none());
        let default = from_env(&[]).expect("the defaults").keys.operator;
        assert_eq!(key.identity.owner, default, "buckets stay their owner's");
    }
    let both = [("STOWGATE_SECRET_KEY", "aaaaaaaa"), ("STOWGATE_SECRET_KEY_FILE", path)];
    let broken: &[(&[(&str, &str)], &str)] = &[
        (&[("STOWGATE_ACCESS_KEY", "MINE")], "STOWGATE_SECRET_KEY: is not set"),
        (&[("STOWGATE_SECRET_KEY", "aaaaaaaa")], "STOWGATE_ACCESS_KEY: is not set"),
        (&both, "STOWGATE_SECRET_KEY_FILE: STOWGATE_SECRET_KEY is set as well"),
        (&[("STOWGATE_TLS_CERT", "x")], "STOWGATE_TLS_KEY: is not set"),
        (&[("STOWGATE_LOG_FORMAT", "xml")], "STOWGATE_LOG_FORMAT: \"xml\" is not"),
        (&[("STOWGATE_LISTEN", "x")], "STOWGATE_LISTEN: \"x\" is not an address"),
    ];
    for (variables, start) in broken {
        let error = from_env(variables).expect_err(start);
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn keys_share_an_owner_only_where_they_say_so() {
    let key = |id: &str, more: &str| {
        format!("[[key]]\naccess_key = \"{id}\"\nsecret_key = \"0123456789\"\n{more}\n")
    };
    let text = key("ONE", "user_id = \"team\"")
        + &key("TWO", "user_id = \"team\"\nrole = \"admin\"\ndisplay_name = \"Team\"")
        + &key("THREE", "email = \"three@example.com\"")
        + &key("FOUR", "role = \"read-only\"");
    let config = load(&text, &[]).expect("four keys");
    let identity = |id| &config.keys.ring.get(id).expect("listed").identity;
    assert_eq!(identity("ONE").owner.id, identity("TWO").owner.id);
    assert_ne!(identity("THREE").owner.id, identity("FOUR").owner.id);
    assert_eq!(identity("THREE").owner.id.len(), 64);
    assert_eq!(identity("THREE").owner.display_name, "THREE");
    assert_eq!(identity("THREE").email.as_deref(), Some("three@example.com"));
    assert_eq!((identity("ONE").role, identity("FOUR").role), (Role::ReadWrite, Role::ReadOnly));
    assert_eq!(config.keys.operator, identity("TWO").owner);
    let twice = key("ONE", "") + &key("ONE", "");
    let error = load(&twice, &[]).expect_err("the same key twice");
    assert!(error.starts_with("stowgate.toml:6: [[key]] access_key: \"ONE\" is also"), "{error}");
    assert!(error.contains("line 2"), "{error}");
}

#[test]
fn a_reload_tells_what_needs_a_restart() {
    let old = load(KEY, &[]).expect("good");
    assert!(old.needs_restart(&load(KEY, &[]).expect("good")).is_empty());
    let text = format!(
        "listen = \"127.0.0.1:1\"\n[log]\nlevel = \"debug\"\n[store]\ncache_size = \"1 MiB\"\n{KEY}"
    );
    let new = load(&text, &[]).expect("good");
    assert_eq!(old.needs_restart(&new), ["listen", "[store]"]);
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

#[test]
fn every_shipped_file_is_right() {
    let folder = std::fs::read_dir(shipped("")).expect("config/");
    let mut seen = 0;
    for entry in folder {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let flags = Flags { config: Some(path), ..Flags::default() };
            Config::load(&flags, &Env::default()).expect("a shipped file");
            seen += 1;
        }
    }
    assert!(seen >= 4);
}

/// What stands commented out in the reference is a setting that exists, with its default.
#[test]
fn the_reference_shows_the_defaults() {
    let text = std::fs::read_to_string(shipped("stowgate.toml")).expect("the reference");
    let is_setting = |line: &str| {
        line.strip_prefix('#')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    let without_tls = |line: &&str| !line.contains(".pem\"");
    let spelled_out: Vec<&str> = text
        .lines()
        .filter(without_tls)
        .map(|line| if is_setting(line) { &line[1..] } else { line })
        .collect();
    let plain = load(&text, &[]).expect("as shipped");
    let full = load(&spelled_out.join("\n"), &[]).expect("with every default spelled out");
    assert_eq!(plain.needs_restart(&full), [""; 0]);
    assert_eq!(plain.log, full.log);
    assert!(spelled_out.iter().filter(|line| line.contains(" = ")).count() > 30);
}

#[test]
fn the_environment_template_is_right() {
    let text = std::fs::read_to_string(shipped("stowgate.env")).expect("the template");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.map(|line| line.split_once('=').expect("NAME=value"));
    let config = Config::load(&Flags::default(), &Env::of(pairs)).expect("the template");
    assert!(config.keys.built_in);
    assert_eq!(config.needs_restart(&from_env(&[]).expect("the defaults")), [""; 0]);
}
