//! Sessions, roles and identity providers: what is read, and what stops the start.

#![allow(clippy::disallowed_methods, reason = "tests prepare files of their own")]

use std::time::Duration;

use super::tests::{Broken, from_env, load, refuses};
use crate::auth::{Algorithm, Binding, KeySource};

const SET: &str = include_str!("../../fixtures/jwt/tokens.json");
const KEY: &str = "[[key]]\naccess_key = \"AK\"\nsecret_key = \"0123456789\"\nuser_id = \"main\"\n";
const PROVIDER: &str = "[[identity_provider]]\nname = \"idp\"\nissuer = \"https://id.example\"\n\
                        audience = \"stowgate\"\njwks_url = \"https://id.example/jwks\"\n";
const ROLE: &str = "[[role]]\nname = \"manager\"\npolicy = '{\"Statement\": {\"Effect\": \"Allow\", \
                    \"Action\": \"s3:*\", \"Resource\": \"*\"}}'\n";

#[test]
fn a_whole_configuration_is_read() {
    let text = format!(
        "{KEY}{PROVIDER}algorithms = [\"RS256\", \"EdDSA\"]\nleeway = \"5s\"\n\
         role_claim = \"roles\"\ncompany_claim = \"company\"\nsession_claim = \"email\"\n\
         keep_claims = [\"email\", \"team\"]\n{ROLE}max_session = \"2h\"\nkeys = [\"AK\"]\n\
         company_claim = \"tenant\"\nuser_id = \"main\"\nsession_tags = true\n\
         [[role.identity]]\nprovider = \"idp\"\naudience = [\"stowgate\"]\n\
         claims = {{ role = \"manager\", staff = true, level = [1, 2] }}\n\
         [sts]\nsecret = \"0123456789abcdef0123456789abcdef\"\n"
    );
    let config = load(&text, &[]).unwrap();
    assert!(!config.sessions.seals.is_empty());
    let sts = &config.sessions.sts;
    let provider = &sts.providers[0];
    assert_eq!(provider.algorithms, [Algorithm::Rs256, Algorithm::EdDsa]);
    assert_eq!((provider.leeway, &*provider.names.subject), (Duration::from_secs(5), "sub"));
    assert_eq!(provider.kept.as_deref(), Some(&["email".to_owned(), "team".to_owned()][..]));
    assert!(matches!(&provider.keys, KeySource::Remote(keys) if keys.url().ends_with("/jwks")));
    let role = &sts.roles[0];
    assert_eq!(role.max_session, Duration::from_hours(2));
    assert_eq!((role.owner.id.as_str(), role.owner.display_name.as_str()), ("main", "AK"));
    assert_eq!(role.company, Binding::Claim("tenant".to_owned()));
    assert_eq!(role.identities[0].claims["level"], ["1", "2"]);
    assert_eq!(role.identities[0].claims["staff"], ["true"]);
    assert!(role.keys.contains("AK") && role.session_tags);
}

#[test]
fn without_anything_there_are_no_roles() {
    let config = from_env(&[]).unwrap();
    assert!(config.sessions.seals.is_empty() && config.sessions.sts.roles.is_empty());
}

#[test]
fn keys_come_from_a_file_or_are_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let set: serde_json::Value = serde_json::from_str(SET).unwrap();
    std::fs::write(&path, set["jwks"].to_string()).unwrap();
    let by_file = PROVIDER.replace("jwks_url = \"https://id.example/jwks\"", "");
    let config = load(&format!("{by_file}jwks_file = {path:?}\n"), &[]).unwrap();
    let keys = &config.sessions.sts.providers[0].keys;
    assert!(matches!(keys, KeySource::Known(keys) if keys.len() == 4));
    std::fs::write(&path, "{\"keys\": []}").unwrap();
    let fault = load(&format!("{by_file}jwks_file = {path:?}\n"), &[]).unwrap_err();
    assert!(fault.starts_with("stowgate.toml:6: [[identity_provider]] jwks_file: "), "{fault}");
    assert!(fault.contains("has no public key"), "{fault}");
    let secret =
        "[[identity_provider]]\nname = \"own\"\nsecret = \"0123456789abcdef0123456789abcdef\"";
    let config = load(secret, &[]).unwrap();
    let provider = &config.sessions.sts.providers[0];
    assert_eq!(provider.algorithms, [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512]);
    assert!(provider.issuer.is_none() && !format!("{config:?}").contains("0123456789abcdef"));
}

#[test]
fn secrets_of_sessions_are_lines_the_newest_first() {
    let (new, old) = ("n".repeat(32), "o".repeat(32));
    let both = from_env(&[("STOWGATE_STS_SECRET", &format!("{new}\n{old}\n"))]).unwrap();
    let one = from_env(&[("STOWGATE_STS_SECRET", &new)]).unwrap();
    assert_eq!(both.sessions.seals.missing_in(&one.sessions.seals).len(), 1);
    assert!(one.sessions.seals.missing_in(&both.sessions.seals).is_empty());
    let short = from_env(&[("STOWGATE_STS_SECRET", "short")]).unwrap_err();
    assert!(short.starts_with("STOWGATE_STS_SECRET: a secret of sessions has at least"), "{short}");
    assert!(!short.contains("short,") && !short.contains('\n'), "{short}");
}

const BROKEN: &[Broken] = &[
    ("[sts]\nsecret = \"short\"", "stowgate.toml:2: [sts] secret: a secret of sessions", &["32"]),
    ("[sts]\nsecrets = \"x\"", "stowgate.toml:2", &["unknown", "`secret_file`"]),
    (
        "[[identity_provider]]\nname = \"x\"",
        "stowgate.toml:2: [[identity_provider]] name: a provider has one of jwks_file",
        &["secret_file"],
    ),
    (
        "[[identity_provider]]\nname = \"x\"\nissuer = \"i\"\naudience = \"a\"\n\
         jwks_url = \"https://x/\"\nsecret = \"0123456789abcdef0123456789abcdef\"",
        "stowgate.toml:5: [[identity_provider]] jwks_url: a provider has one of",
        &[],
    ),
    (
        "[[identity_provider]]\nname = \"x\"\nsecret = \"short\"",
        "stowgate.toml:3: [[identity_provider]] secret: a secret that tokens are signed with has",
        &["32"],
    ),
    (
        "[[identity_provider]]\nname = \"x\"\njwks_url = \"https://x/\"",
        "stowgate.toml:2: [[identity_provider]] name: a provider with public keys has an issuer",
        &["audience"],
    ),
    (
        "[[identity_provider]]\nname = \"x\"\nissuer = \"i\"\naudience = \"a\"\n\
         jwks_url = \"ftp://x/\"",
        "stowgate.toml:5: [[identity_provider]] jwks_url: should be a URL",
        &["https://"],
    ),
    (
        "[[identity_provider]]\nname = \"x\"\nissuer = \"i\"\naudience = \"a\"\n\
         jwks_file = \"/nowhere/jwks.json\"",
        "stowgate.toml:5: [[identity_provider]] jwks_file: /nowhere/jwks.json cannot be read",
        &[],
    ),
    (
        "[[identity_provider]]\nname = \"x\"\nissuer = \"i\"\naudience = \"a\"\n\
         jwks_url = \"https://x/\"\nalgorithms = [\"HS256\"]",
        "stowgate.toml:6: [[identity_provider]] algorithms: \"HS256\" is none for public keys",
        &["RS256", "EdDSA"],
    ),
    (
        "[[identity_provider]]\nname = \"x\"\nissuer = \"i\"\naudience = \"a\"\n\
         jwks_url = \"https://x/\"\nalgorithms = [\"none\"]",
        "stowgate.toml:6: [[identity_provider]] algorithms: \"none\" is none for",
        &[],
    ),
    (
        "[[identity_provider]]\nname = \"x\"\nissuer = \"i\"\naudience = []\n\
         jwks_url = \"https://x/\"",
        "stowgate.toml:4: [[identity_provider]] audience: should be a text",
        &["list"],
    ),
    (
        "[[identity_provider]]\nname = \"x\"\nleeway = \"1h\"\n\
         secret = \"0123456789abcdef0123456789abcdef\"",
        "stowgate.toml:3: [[identity_provider]] leeway: is out of bounds",
        &["300s"],
    ),
    (
        "[[identity_provider]]\nname = \"a b\"\nsecret = \"0123456789abcdef0123456789abcdef\"",
        "stowgate.toml:2: [[identity_provider]] name: should be 1 to 64 letters",
        &[],
    ),
    ("[[role]]\nname = \"r\"", "stowgate.toml:2: [[role]] name: a role has a policy", &[]),
    (
        "[[role]]\nname = \"r\"\npolicy = '{}'",
        "stowgate.toml:3: [[role]] policy: is no policy",
        &["Statement"],
    ),
];

#[test]
fn every_fault_has_its_place() {
    refuses(BROKEN);
    let role = |lines: &str| load(&format!("{KEY}{PROVIDER}{ROLE}{lines}"), &[]).unwrap_err();
    for (lines, expected) in [
        ("", "stowgate.toml:11: [[role]] name: nobody may assume the role"),
        ("keys = \"NONE\"", "stowgate.toml:13: [[role]] keys: \"NONE\" is no access key"),
        ("keys = \"AK\"\nmax_session = \"13h\"", "stowgate.toml:14: [[role]] max_session: is out"),
        (
            "keys = \"AK\"\ncompany = \"1\"\ncompany_claim = \"c\"",
            "stowgate.toml:15: [[role]] company_claim: company is given as well",
        ),
        ("keys = \"AK\"\ncompany = \"a/b\"", "stowgate.toml:14: [[role]] company: should be"),
        (
            "[[role.identity]]\nprovider = \"other\"",
            "stowgate.toml:14: [[role.identity]] provider: \"other\" is no [[identity_provider]]",
        ),
        (
            "[[role.identity]]\nprovider = \"idp\"\naudience = \"x\"",
            "stowgate.toml:15: [[role.identity]] audience: \"x\" is no audience of",
        ),
        (
            "[[role.identity]]\nprovider = \"idp\"\nclaims = { a = 1.5 }",
            "stowgate.toml:15: [[role.identity]] claims: should be a text",
        ),
    ] {
        let fault = role(lines);
        assert!(fault.starts_with(expected) && !fault.contains('\n'), "{lines}: {fault}");
    }
    let twice = role(&format!("keys = \"AK\"\n{ROLE}keys = \"AK\""));
    assert!(twice.starts_with("stowgate.toml:15: [[role]] name: \"manager\" is there already"));
}
