//! Other spellings of a key: what it comes to for a service that takes keys for paths of files, as
//! some behind gateways do. Who may not reach what a spelling names may not use the spelling.

/// A key as a service of paths would read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spelling {
    /// What is left of it. What would lead out of its bucket begins with `../`.
    pub(super) key: String,
    /// Whether the key itself has segments that are `.` or `..`. Without, it only has slashes too
    /// many: a key that clients do use, and mean.
    pub(super) dots: bool,
}

/// What a key or a prefix comes to where it has empty segments, `.` or `..`. Services differ about
/// whether an empty segment counts.
pub(super) fn spellings(key: &str) -> Vec<Spelling> {
    let may_have = key.starts_with(['/', '.']) || key.contains("//") || key.contains("/.");
    if !may_have {
        return Vec::new();
    }
    let dots = key.split('/').any(|segment| matches!(segment, "." | ".."));
    let mut found: Vec<Spelling> = Vec::new();
    for empty_counts in [false, true] {
        let key_there = resolved(key, empty_counts);
        if key_there != key && found.iter().all(|other| other.key != key_there) {
            found.push(Spelling { key: key_there, dots });
        }
    }
    found
}

fn resolved(key: &str, empty_counts: bool) -> String {
    let (body, end) = match key.strip_suffix('/') {
        Some(body) => (body, "/"),
        None => (key, ""),
    };
    let mut kept: Vec<&str> = Vec::new();
    for segment in body.split('/') {
        match segment {
            "." => {}
            "" if !empty_counts => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    format!("{}{end}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(key: &str) -> Vec<String> {
        spellings(key).into_iter().map(|spelling| spelling.key).collect()
    }

    #[test]
    fn most_keys_have_one_spelling() {
        for key in ["", "a", "a/b", "a/", "a/b.c/..d", "a..b", "a/...", ".a", "a/.b/c"] {
            assert_eq!(spellings(key), [], "{key}");
        }
    }

    #[test]
    fn segments_go_as_in_paths() {
        assert_eq!(keys("a/../b"), ["b"]);
        assert_eq!(keys("a/./b"), ["a/b"]);
        assert_eq!(keys("a/b/../../c/"), ["c/"]);
        assert_eq!(keys("a/b/.."), ["a"]);
        assert_eq!(keys("../a/../b"), ["../b"]);
        assert_eq!(keys("../../b"), Vec::<String>::new());
        assert!(spellings("a/./b").iter().all(|spelling| spelling.dots));
    }

    #[test]
    fn empty_segments_count_or_not() {
        assert_eq!(keys("a//b"), ["a/b"]);
        assert_eq!(keys("/a"), ["a"]);
        assert_eq!(keys("a//../b"), ["b", "a/b"]);
        assert!(!spellings("a//b").iter().any(|spelling| spelling.dots));
    }
}
