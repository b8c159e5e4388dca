use proptest::prelude::*;

use super::*;

fn key(secret: &str) -> SealKey {
    SealKey::derive(&Secret::new(secret)).unwrap()
}

fn keys(secrets: &[&str]) -> SealKeys {
    SealKeys::new(secrets.iter().map(|secret| key(secret)))
}

#[test]
fn what_is_sealed_opens_with_the_same_secret_on_any_gateway() {
    let sealed = keys(&["one"]).seal(b"contents").unwrap().unwrap();
    assert!(is_temporary(&sealed.access_key), "{}", sealed.access_key);
    let open = || keys(&["one"]).open(&sealed.access_key, &sealed.token).unwrap();
    let (contents, secret) = open();
    assert_eq!((contents.as_slice(), secret.expose().len()), (&b"contents"[..], 40));
    assert_eq!(open().1, secret);
    let another = keys(&["one"]).seal(b"contents").unwrap().unwrap();
    let (_, others) = keys(&["one"]).open(&another.access_key, &another.token).unwrap();
    assert_ne!(others, secret);
    assert!(sealed.token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
}

#[test]
fn an_older_secret_opens_and_a_removed_one_is_named() {
    let sealed = keys(&["old"]).seal(b"x").unwrap().unwrap();
    assert!(keys(&["new", "old"]).open(&sealed.access_key, &sealed.token).is_ok());
    let refused = keys(&["new"]).open(&sealed.access_key, &sealed.token).unwrap_err();
    assert_eq!(refused, Unopened::OtherSecret(key("old").name()));
    assert_eq!(keys(&["new", "old"]).missing_in(&keys(&["new"])), [key("old").name()]);
    assert!(keys(&["old"]).missing_in(&keys(&["new"]).or(Some(&key("old")))).is_empty());
    assert_eq!(SealKeys::default().seal(b"x").map(|it| it.is_some()), Ok(false));
}

#[test]
fn nothing_shows_a_secret() {
    let shown = format!("{:?}", keys(&["very-secret"]));
    assert!(!shown.contains("very-secret"), "{shown}");
}

#[test]
fn ids_of_keys_for_good_are_no_temporary_ones() {
    for id in ["", "ASIA", "AKIAABCDEFGHIJKLMNOP", "ASIAabcdefghijklmnop", "ASIAABCDEFGHIJKLMNO1"] {
        assert!(!is_temporary(id), "{id}");
    }
}

proptest! {
    #[test]
    fn any_changed_bit_is_refused(
        contents in prop::collection::vec(any::<u8>(), 0..200),
        place in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let keys = keys(&["one"]);
        let sealed = keys.seal(&contents).unwrap().unwrap();
        let (opened, _) = keys.open(&sealed.access_key, &sealed.token).unwrap();
        prop_assert_eq!(&opened, &contents);
        let mut bytes = URL_SAFE_NO_PAD.decode(&sealed.token).unwrap();
        let index = place.index(bytes.len());
        bytes[index] ^= 1 << bit;
        let changed = URL_SAFE_NO_PAD.encode(&bytes);
        prop_assert!(keys.open(&sealed.access_key, &changed).is_err());
    }

    #[test]
    fn any_changed_character_is_refused(
        contents in prop::collection::vec(any::<u8>(), 0..100),
        place in any::<prop::sample::Index>(),
        character in "[A-Za-z0-9_=+/ -]",
    ) {
        let keys = keys(&["one"]);
        let sealed = keys.seal(&contents).unwrap().unwrap();
        let mut text: Vec<char> = sealed.token.chars().collect();
        let index = place.index(text.len());
        let other = character.chars().next().unwrap();
        prop_assume!(text[index] != other);
        text[index] = other;
        let changed: String = text.into_iter().collect();
        prop_assert!(keys.open(&sealed.access_key, &changed).is_err());
    }

    #[test]
    fn a_token_is_none_without_its_end_or_with_another_key_id(
        contents in prop::collection::vec(any::<u8>(), 0..100),
        place in any::<prop::sample::Index>(),
        id in "ASIA[A-Z2-7]{16}",
    ) {
        let keys = keys(&["one"]);
        let sealed = keys.seal(&contents).unwrap().unwrap();
        let cut = &sealed.token[..place.index(sealed.token.len())];
        prop_assert!(keys.open(&sealed.access_key, cut).is_err());
        prop_assume!(id != sealed.access_key);
        prop_assert_eq!(keys.open(&id, &sealed.token), Err(Unopened::Forged));
    }

    #[test]
    fn whatever_is_no_token_is_refused(text in ".{0,200}") {
        prop_assert!(keys(&["one"]).open("ASIAAAAAAAAAAAAAAAAA", &text).is_err());
    }
}
