//! Who may import whom: reads the sources and holds the table of the README's architecture map.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of the crate and the rooms that each may know beside itself.
const ROOMS: &[(&str, &[&str])] = &[
    ("object", &[]),
    ("body", &["object"]),
    ("background", &["object"]),
    ("auth", &["body", "object"]),
    ("store", &["body", "object"]),
    ("store/local", &["store", "background", "body", "object"]),
    ("store/upstream", &["store", "body", "object"]),
    ("placement", &["store", "background", "body", "object"]),
    ("rules", &["body", "object"]),
    ("antivirus", &["rules"]),
    ("s3", &["auth", "rules", "placement", "store", "body", "object"]),
    ("migrate", &["placement", "store", "background", "body", "object"]),
    ("admin", &["auth", "migrate", "placement", "store", "background", "body", "object"]),
    ("server", &["body", "object"]),
    ("config", &["auth", "object"]),
];

/// Files that put everything together, and may know everyone.
const OPEN: &[&str] = &["main.rs", "lib.rs", "app.rs", "app", "telemetry.rs", "telemetry", "cli"];

/// Crates that are named in one room alone.
const CONFINED: &[(&str, &[&str])] = &[
    ("hyper", &["server"]),
    ("hyper_util", &["server"]),
    ("tokio_rustls", &["server", "cli/healthcheck"]),
    ("sled", &["store/local/index"]),
    ("aws_sdk_s3", &["store/upstream"]),
    ("aws_sigv4", &["auth"]),
    ("quick_xml", &["s3/xml"]),
    ("toml", &["config"]),
];

/// What reaches the file system; below the store only its own file access may.
const FILE_ACCESS: &[&str] = &["std::fs", "tokio::fs", "rustix::fs", "fs::File", "File::open"];

const LONGEST_FILE: usize = 500;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "misc", "manager", "data", "info", "types"];

struct Source {
    /// Relative to `src`, with `/`.
    path: String,
    /// Without comments.
    code: String,
}

impl Source {
    fn is_in(&self, room: &str) -> bool {
        self.path.strip_prefix(room).is_some_and(|rest| rest.starts_with(['/', '.', '_']))
    }

    fn is_test(&self) -> bool {
        let name = self.path.trim_end_matches(".rs");
        name.ends_with("tests")
            || name.ends_with("testing")
            || name.contains("/tests/")
            || name.contains("tests/")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let sources: Vec<Source> = rust_files(&src)
        .into_iter()
        .map(|file| Source {
            path: file.strip_prefix(&src).expect("below").to_str().expect("text").to_owned(),
            code: without_comments(&fs::read_to_string(&file).expect("readable")),
        })
        .collect();
    assert!(sources.len() > 50, "the sources were not found");
    sources
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The first path segments behind each `crate::`, groups in braces included.
fn rooms_named(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        // `$crate::` and `some_crate::` are other things.
        if before.is_some_and(|c| c == '_' || c == '$' || c.is_alphanumeric()) {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_heads(group)),
            None => found.extend(identifier(rest)),
        }
    }
    found
}

fn identifier(text: &str) -> Option<String> {
    let end = text.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

/// The heads of `a::{b, c}, d::e}` up to the closing brace: `a` and `d`.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut expects) = (0, Vec::new(), true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expects = true,
            c if expects && !c.is_whitespace() => {
                heads.extend(identifier(&group[at..]));
                expects = false;
            }
            _ => {}
        }
    }
    heads
}

fn room_of(source: &Source) -> Option<(&'static str, &'static [&'static str])> {
    ROOMS
        .iter()
        .filter(|(room, _)| source.is_in(room))
        .max_by_key(|(room, _)| room.len())
        .map(|(room, allowed)| (*room, *allowed))
}

/// A name used as a crate: at the head of a path.
fn names_crate(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    let at_head = |at: usize| {
        let before = &code[..at];
        let glued = before.chars().next_back().is_some_and(|c| c == '_' || c.is_alphanumeric());
        !glued && !before.ends_with("::")
    };
    code.match_indices(&path).any(|(at, _)| at_head(at)) || code.contains(&format!("use {name};"))
}

#[test]
fn each_room_knows_only_what_it_may() {
    let mut wrong = Vec::new();
    for source in sources() {
        if OPEN.iter().any(|open| source.path == *open || source.is_in(open)) {
            continue;
        }
        let Some((room, allowed)) = room_of(&source) else {
            wrong.push(format!("{} belongs to no room of the map", source.path));
            continue;
        };
        let own = room.split('/').next().expect("a name");
        for named in rooms_named(&source.code) {
            if named != own && !allowed.contains(&named.as_str()) {
                wrong.push(format!("{} ({room}) names {named}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn crates_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (name, rooms) in CONFINED {
            let allowed = rooms.iter().any(|room| source.is_in(room));
            if !allowed && !source.is_test() && names_crate(&source.code, name) {
                wrong.push(format!("{} names {name}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_store_reaches_files_through_its_own_access_alone() {
    let mut wrong = Vec::new();
    for source in sources() {
        let exempt = source.is_in("store/local/vfs") || source.is_test();
        if !source.is_in("store") || exempt {
            continue;
        }
        let code = without_test_module(&source.code);
        for access in FILE_ACCESS {
            if code.contains(access) {
                wrong.push(format!("{} uses {access}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn without_test_module(code: &str) -> &str {
    code.split("#[cfg(test)]\nmod tests {").next().unwrap_or(code)
}

#[test]
fn files_are_of_one_topic() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz"] {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&file).expect("readable");
            let (name, lines) = (file.display(), text.lines().count());
            if lines > LONGEST_FILE {
                wrong.push(format!("{name} has {lines} lines"));
            }
            let is_test =
                name.to_string().ends_with("tests.rs") || name.to_string().contains("tests/");
            if !is_test && !text.starts_with("//!") {
                wrong.push(format!("{name} does not say what it owns"));
            }
            let stem = file.file_stem().and_then(|s| s.to_str()).expect("a name");
            if EMPTY_NAMES.contains(&stem) {
                wrong.push(format!("{name} has a name that says nothing"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_reader_of_imports_reads_groups() {
    let code =
        "use crate::{auth::{Key, Secret}, body::Payload};\nlet x = crate::store::Y; $crate::z";
    let named: Vec<String> = rooms_named(code).into_iter().collect();
    assert_eq!(named, ["auth", "body", "store"]);
    assert!(names_crate("use hyper::Body;", "hyper"));
    assert!(names_crate("fn f(x: hyper::Body)", "hyper"));
    assert!(!names_crate("use crate::hyper::Body; my_hyper::x", "hyper"));
}
