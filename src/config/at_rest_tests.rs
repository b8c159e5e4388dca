#![allow(clippy::disallowed_methods, reason = "tests prepare files of their own")]

use std::fs;
use std::path::Path;

use super::super::{Config, Flags};
use super::*;

fn load(dir: &Path, file: &str, env: &Env) -> Result<AtRest, String> {
    let path = dir.join("stowgate.toml");
    fs::write(&path, file).unwrap();
    let flags = Flags { config: Some(path), ..Flags::default() };
    Config::load(&flags, env).map(|config| config.at_rest).map_err(|error| error.to_string())
}

fn hex(byte: u8) -> String {
    hex::encode([byte; 32])
}

fn ids(at_rest: &AtRest) -> (Vec<&str>, Option<&str>) {
    (at_rest.keys.iter().map(MasterKey::id).collect(), at_rest.keys.active().map(MasterKey::id))
}

#[test]
fn keys_come_from_section_file_environment_and_credential() {
    let dir = tempfile::tempdir().unwrap();
    let none = load(dir.path(), "", &Env::default()).unwrap();
    assert_eq!(none, AtRest::default());
    let one = format!("[encryption]\nkey = \"mine:{}\"\n", hex(1));
    assert_eq!(
        ids(&load(dir.path(), &one, &Env::default()).unwrap()),
        (vec!["mine"], Some("mine"))
    );
    let key_file = dir.path().join("keys");
    fs::write(&key_file, format!("# two\na:{}\nb:{}\n", hex(1), hex(2))).unwrap();
    let in_file = format!("[encryption]\nkey_file = {key_file:?}\nactive = \"b\"\n");
    let both = load(dir.path(), &in_file, &Env::default()).unwrap();
    assert_eq!(ids(&both), (vec!["a", "b"], Some("b")));
    let listed = format!(
        "[encryption]\nactive = \"2026-11\"\n[[encryption.keys]]\nid = \"2026-05\"\nkey = \
         \"{}\"\n[[encryption.keys]]\nid = \"2026-11\"\nkey = \"{}\"\n",
        hex(1),
        hex(2)
    );
    let listed = load(dir.path(), &listed, &Env::default()).unwrap();
    assert_eq!(ids(&listed), (vec!["2026-05", "2026-11"], Some("2026-11")));
    fs::write(dir.path().join(CREDENTIAL), format!("c:{}\n", hex(3))).unwrap();
    let (material, place) = (format!("e:{}", hex(4)), dir.path().display().to_string());
    let env = Env::of([(VARIABLE, material.as_str()), ("CREDENTIALS_DIRECTORY", &place)]);
    let all = load(dir.path(), &one, &env).unwrap();
    assert_eq!(ids(&all), (vec!["e", "mine", "c"], Some("e")));
    let shown = format!("{all:?}");
    assert!(!shown.contains(&hex(1)) && !shown.contains(&hex(4)), "{shown}");
}

#[test]
fn faults_name_their_place_and_never_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let error = |file: &str| load(dir.path(), file, &Env::default()).unwrap_err();
    let short = error("[encryption]\nkey = \"c2VjcmV0\"\n");
    assert!(short.contains(":2: [encryption] key") && !short.contains("c2VjcmV0"), "{short}");
    let unknown = error(&format!("[encryption]\nactive = \"b\"\nkey = \"a:{}\"\n", hex(1)));
    assert!(unknown.contains("active") && unknown.contains("\"b\""), "{unknown}");
    let twice = format!("[encryption]\nkey = \"a:{}\"\n[[encryption.keys]]\n", hex(1));
    let twice = error(&format!("{twice}id = \"a\"\nkey = \"{}\"\n", hex(2)));
    assert!(twice.contains("two different keys"), "{twice}");
    let empty = error("[[encryption.keys]]\nid = \"a\"\n");
    assert!(empty.contains("key_file"), "{empty}");
    let missing = error("[encryption]\nkey_file = \"/nowhere\"\n");
    assert!(missing.contains("/nowhere cannot be read"), "{missing}");
    let env = Env::of([(VARIABLE, "nonsense")]);
    let wrong = load(dir.path(), "", &env).unwrap_err();
    assert!(wrong.contains(VARIABLE) && !wrong.contains("nonsense"), "{wrong}");
    let algorithm = error("[[bucket]]\nname = \"b12\"\nencryption = \"aes\"\n");
    assert!(algorithm.contains("AES256"), "{algorithm}");
}

#[test]
fn buckets_have_defaults_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let file = "[encryption]\ndefault = true\n[[bucket]]\nname = \"open\"\nencryption = \
                \"none\"\n[[bucket]]\nname = \"sealed\"\nencryption = \"AES256\"\n";
    let defaults = load(dir.path(), file, &Env::default()).unwrap().defaults;
    let of = |name| defaults.of(&BucketName::parse(name).unwrap());
    assert_eq!(["open", "sealed", "other"].map(of), [false, true, true]);
}
