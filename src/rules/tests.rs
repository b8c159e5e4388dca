use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;

use super::sniff::samples;
use super::*;
use crate::body::testing::{block_on, cut, drain};
use crate::body::{BodyError, Expected, RefusalKind, digesting};

fn set(rule: Rule) -> RuleSet {
    let rule = Rule { name: "r".to_owned(), ..rule };
    Rulebook::new([rule], None).of(&BucketName::parse("b12").unwrap(), "a/b.bin")
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).unwrap()
}

/// What comes of a body that streams through a rule.
fn outcome(rule: Rule, name: &str, declared: Option<&str>, content: &[u8]) -> Result<(), Refusal> {
    let rules = set(rule);
    let (name, content) = (key(name), Bytes::copy_from_slice(content));
    rules.admit(&name, declared, None)?;
    let body = digesting(cut(&content, &[1, 7, 100, 9000, 20_000]), Expected::default());
    let passed = block_on(drain(rules.guard(body, &name, declared)));
    let body = cut(&content, &[3, 8192]);
    let examined = block_on(rules.examine(body, &name, declared));
    match passed {
        Ok((read, body)) => {
            assert_eq!(Bytes::from(read), content);
            assert_eq!(body.digests().unwrap().size, content.len() as u64);
            examined.unwrap();
            Ok(())
        }
        Err(BodyError::Refused(refusal)) => {
            let Err(BodyError::Refused(again)) = examined else { panic!("only one refuses") };
            assert_eq!(refusal, again);
            Err(refusal)
        }
        Err(other) => panic!("{other}"),
    }
}

fn dangerous(name: &str, declared: Option<&str>, content: &[u8]) -> String {
    let rule = Rule { block_dangerous: true, ..Rule::default() };
    match outcome(rule, name, declared, content) {
        Ok(()) => String::new(),
        Err(refusal) => {
            assert_eq!(refusal.kind, RefusalKind::Content);
            assert!(refusal.message.starts_with("Upload rule \"r\": "));
            refusal.message
        }
    }
}

fn zip_end() -> Vec<u8> {
    [&[b'e'; 100][..], b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x40\0\0\0\0\0\0\0\0\0"].concat()
}

#[test]
fn dangerous_content_is_refused_by_what_it_is() {
    let long = vec![b'.'; 30_000];
    let join = |parts: &[&[u8]]| parts.concat();
    for (name, declared, content, words) in [
        ("a.pdf", Some("application/pdf"), samples::EXE.to_vec(), "a program"),
        ("a.jpg", None, samples::ELF.to_vec(), "a program"),
        ("a.txt", Some("text/plain"), b"#!/bin/sh\nrm -rf".to_vec(), "a script"),
        ("a.txt", Some("text/plain"), samples::HTML.to_vec(), "a page"),
        ("a.exe", None, b"hello".to_vec(), ".exe are dangerous"),
        (
            "a.txt",
            Some("text/html; charset=utf-8"),
            b"hello".to_vec(),
            "\"text/html\" is dangerous",
        ),
        ("a.svg", None, b"<svg><script>1</script></svg>".to_vec(), "a script"),
        (
            "a.svg",
            Some("image/svg+xml"),
            join(&[b"<svg>", &long, b"<g onload = 'x'/></svg>"]),
            "a script",
        ),
        ("a.svg", None, b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), "compressed"),
        ("a.xml", Some("text/xml"), join(&[b"junk", b"<a><script>x</script></a>"]), "a script"),
        ("a.pdf", None, join(&[samples::PDF, &long, &zip_end()]), "archive is hidden"),
        ("a.gif", None, join(&[samples::GIF, &zip_end()]), "archive is hidden"),
        ("a.gif", None, join(&[samples::GIF, samples::PDF]), "a PDF at once"),
        ("a.gif", None, join(&[samples::GIF, &long, b"<ScRipT>x"]), "a page at once"),
        ("a.jpg", None, join(&[samples::JPEG, b"<html><body>"]), "a page at once"),
        ("a.png", None, join(&[samples::PNG, &long, b"<?php system(1)"]), "PHP"),
        ("a.docx", None, join(&[samples::ZIP, &long, b"word/vbaProject.bin"]), "macros"),
        ("a.zip", None, join(&[samples::ZIP, b"META-INF/MANIFEST.MF"]), "Java"),
        (
            "a.doc",
            None,
            join(&[samples::OLE, &long, b"_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0"]),
            "macros",
        ),
    ] {
        let refusal = dangerous(name, declared, &content);
        assert!(refusal.contains(words), "{name} {words}: {refusal}");
    }
}

#[test]
fn harmless_content_passes() {
    let long = vec![0x55; 40_000];
    for (name, declared, content) in [
        ("a.pdf", Some("application/pdf"), [samples::PDF, &long].concat()),
        ("a.jpg", Some("image/jpeg"), [samples::JPEG, &long].concat()),
        ("a.svg", Some("image/svg+xml"), samples::SVG.to_vec()),
        ("a.zip", Some("application/zip"), [samples::ZIP, &zip_end()].concat()),
        ("a.doc", None, [samples::OLE, &long].concat()),
        ("a.txt", Some("text/plain"), b"plain text about <script> tags".to_vec()),
        ("a.mp4", Some("video/mp4"), [samples::MP4, &long].concat()),
        ("noextension", None, long.clone()),
        ("empty", None, Vec::new()),
    ] {
        assert_eq!(dangerous(name, declared, &content), "", "{name}");
    }
}

#[test]
fn extensions_and_types_are_those_allowed() {
    let pdf = || Rule {
        extensions: Some(["pdf".to_owned()].into()),
        content_types: Some(vec![TypePattern::parse("application/pdf").unwrap()]),
        detected_types: Some(vec![TypePattern::parse("application/pdf").unwrap()]),
        ..Rule::default()
    };
    let refused = |name: &str, declared: Option<&str>, content: &[u8]| {
        let refusal = outcome(pdf(), name, declared, content).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Argument);
        refusal.message
    };
    outcome(pdf(), "x/A.PDF", Some("Application/PDF"), samples::PDF).unwrap();
    let declared = Some("application/pdf");
    assert!(refused("a.txt", declared, samples::PDF).contains("extension \"txt\""));
    assert!(refused("a", declared, samples::PDF).contains("no extension"));
    assert!(refused("a.pdf", None, samples::PDF).contains("no content type"));
    assert!(refused("a.pdf", Some("text/plain"), samples::PDF).contains("\"text/plain\""));
    assert!(refused("a.pdf", declared, samples::EXE).contains("portable-executable"));
    assert!(refused("a.pdf", declared, b"").contains("octet-stream"));
}

#[test]
fn content_matches_what_is_declared_or_else_its_name() {
    let rule = || Rule { match_content: true, ..Rule::default() };
    let says = |name, declared, content: &[u8]| {
        outcome(rule(), name, declared, content).map_err(|refusal| refusal.message)
    };
    assert_eq!(says("a.bin", Some("image/png"), samples::PNG), Ok(()));
    assert_eq!(says("a.png", None, samples::PNG), Ok(()));
    assert_eq!(says("a", None, samples::EXE), Ok(()));
    let wrong = says("a.png", Some("image/png"), samples::GIF).unwrap_err();
    assert!(wrong.contains("image/gif, not image/png as the content type"), "{wrong}");
    let wrong = says("a.pdf", Some("binary/octet-stream"), samples::EXE).unwrap_err();
    assert!(wrong.contains("not application/pdf as the file name"), "{wrong}");
}

#[test]
fn sizes_are_exact_to_the_byte() {
    let rule = || Rule { max_size: Some(10), min_size: 2, ..Rule::default() };
    for (size, kind) in [
        (1, Some(RefusalKind::TooSmall { size: 1, least: 2 })),
        (2, None),
        (10, None),
        (11, Some(RefusalKind::TooLarge { size: None, limit: 10 })),
    ] {
        let content = vec![b'x'; size];
        let came = outcome(rule(), "a", None, &content).err().map(|refusal| refusal.kind);
        assert_eq!(came, kind, "{size}");
        let told = set(rule()).admit(&key("a"), None, Some(size as u64));
        assert_eq!(told.is_err(), kind.is_some());
    }
    assert!(set(rule()).admit_part(11).is_err() && set(rule()).admit_part(1).is_ok());
    let known = Payload::from_bytes(vec![b'x'; 11]);
    let passed = block_on(drain(set(rule()).guard(known, &key("a"), None)));
    assert!(matches!(passed, Err(BodyError::Refused(_))));
}

#[test]
fn all_rules_of_a_key_hold_together() {
    let rule = |name: &str, bucket: Option<&str>, prefix: &str| Rule {
        name: name.to_owned(),
        bucket: bucket.map(|bucket| BucketName::parse(bucket).unwrap()),
        prefix: prefix.to_owned(),
        ..Rule::default()
    };
    let book = Rulebook::new(
        [rule("all", None, ""), rule("one", Some("b12"), ""), rule("in", Some("b12"), "a/")],
        None,
    );
    let names = |bucket: &str, key: &str| {
        let rules = book.of(&BucketName::parse(bucket).unwrap(), key);
        rules.rules.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("b12", "a/x"), ["all", "one", "in"]);
    assert_eq!(names("b12", "b/x"), ["all", "one"]);
    assert_eq!(names("b13", "a/x"), ["all"]);
    assert!(Rulebook::default().of(&BucketName::parse("b12").unwrap(), "k").is_empty());
}

#[test]
fn names_are_made_safe_unique_or_refused() {
    let with = |names, unique_names| set(Rule { names, unique_names, ..Rule::default() });
    let renamed = |rules: &RuleSet, key: &str| rules.rename(key, Some("u1"));
    assert_eq!(renamed(&with(Names::Any, false), "a/b c"), None);
    assert_eq!(renamed(&with(Names::Safe, false), "a b/b c").as_deref(), Some("a b/b_c"));
    assert_eq!(renamed(&with(Names::Safe, true), "a/b c.d").as_deref(), Some("a/b_c-u1.d"));
    assert_eq!(renamed(&with(Names::Any, true), "b.d").as_deref(), Some("b-u1.d"));
    assert_eq!(renamed(&with(Names::Refuse, false), "a/b.c"), None);
    assert_eq!(renamed(&with(Names::Refuse, false), "a/b c"), None);
    assert_eq!(with(Names::Safe, false).rename("folder/", None), None);
    let admitted = |key: &str| {
        let key = ObjectKey::parse(key).unwrap();
        with(Names::Refuse, false).admit(&key, None, None).map_err(|refusal| refusal.kind)
    };
    assert_eq!(admitted("a b/b.c"), Ok(()));
    assert_eq!(admitted("folder/"), Ok(()));
    assert_eq!(admitted("a/b c"), Err(RefusalKind::Argument));
}

/// A scanner that finds what is infected, or is away.
struct Fake(Result<(), ScanFault>);

struct FakeScan(Mutex<Vec<u8>>);

#[async_trait]
impl Scanner for Fake {
    async fn begin(&self) -> Result<Box<dyn Scan>, ScanFault> {
        self.0.clone()?;
        Ok(Box::new(FakeScan(Mutex::default())))
    }
}

#[async_trait]
impl Scan for FakeScan {
    async fn read(&mut self, bytes: Bytes) -> Result<(), ScanFault> {
        self.0.get_mut().unwrap().extend_from_slice(&bytes);
        Ok(())
    }

    async fn verdict(&mut self) -> Result<Verdict, ScanFault> {
        let read = self.0.get_mut().unwrap();
        if read.ends_with(b"virus") {
            return Ok(Verdict::Infected("A.Virus".to_owned()));
        }
        Ok(Verdict::Clean)
    }
}

fn scanned(fault: Option<ScanFault>, accepts: bool, content: &'static str) -> Option<Refusal> {
    let scanner = Arc::new(Fake(fault.map_or(Ok(()), Err)));
    let antivirus = Antivirus { scanner, accepts_away: accepts, accepts_larger: accepts };
    let rule = Rule { name: "r".to_owned(), antivirus: true, ..Rule::default() };
    let rules = Rulebook::new([rule], Some(antivirus)).of(&BucketName::parse("b12").unwrap(), "k");
    let body = rules.guard(Payload::from_bytes(content), &key("k"), None);
    assert!(body.hesitates());
    match block_on(drain(body)) {
        Ok((read, _)) => {
            assert_eq!(read, content.as_bytes());
            None
        }
        Err(BodyError::Refused(refusal)) => Some(refusal),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn what_the_scanner_finds_is_refused_and_what_it_cannot_see_as_configured() {
    assert_eq!(scanned(None, false, "clean"), None);
    let found = scanned(None, true, "a virus").unwrap();
    assert_eq!(found.message, "Upload rule \"r\": the virus scanner found A.Virus.");
    assert_eq!(found.kind, RefusalKind::Content);
    let away = || Some(ScanFault::Away("gone".to_owned()));
    assert_eq!(scanned(away(), false, "clean").unwrap().kind, RefusalKind::Unseen);
    assert_eq!(scanned(away(), true, "clean"), None);
    assert_eq!(scanned(Some(ScanFault::TooLarge), false, "x").unwrap().kind, RefusalKind::Content);
    assert_eq!(scanned(Some(ScanFault::TooLarge), true, "clean"), None);
}

proptest::proptest! {
    /// Whatever is refused is never given out whole; whatever passes is given out as it was.
    #[test]
    fn what_is_refused_is_never_whole(
        content in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        cuts in proptest::collection::vec(proptest::prelude::any::<usize>(), 0..5),
        limit in 0_u64..200,
    ) {
        let rules = set(Rule { max_size: Some(limit), block_dangerous: true, ..Rule::default() });
        let content = Bytes::from(content);
        let mut body = rules.guard(cut(&content, &cuts), &key("k"), None);
        let (passed, whole) = block_on(async {
            let mut passed = Vec::new();
            loop {
                match body.next().await {
                    Some(Ok(chunk)) => passed.extend_from_slice(&chunk),
                    Some(Err(_)) => return (passed, false),
                    None => return (passed, true),
                }
            }
        });
        if whole {
            proptest::prop_assert_eq!(&Bytes::from(passed), &content);
        } else {
            proptest::prop_assert!(passed.len() < content.len() || content.is_empty());
        }
        proptest::prop_assert!(content.len() as u64 <= limit || !whole);
    }
}
