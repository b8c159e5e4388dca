//! File names: the last component of a key.
//!
//! A name is made safe so:
//! - Letters and digits of every script, `.`, `-` and `_` stay. Combining accents go. Everything
//!   else (blanks, quotes, backslashes, control characters, …) becomes `_`.
//! - Of several `_` or several `.` in a row one stays. Dots and dashes at the beginning go, dots at
//!   the end as well.
//! - What is left of nothing is `file`; what Windows takes for a device gets a `_` before it.
//! - More than 200 bytes are cut before the extension.
//!
//! Made safe again, a name stays as it is.

/// The most bytes of a safe name.
const LONGEST: usize = 200;
/// The longest extension that is kept where a name is cut.
const LONGEST_EXTENSION: usize = 20;
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// A key, taken apart.
pub(super) struct Name<'a> {
    /// Everything up to the last slash, with it.
    pub(super) folder: &'a str,
    /// The rest.
    pub(super) file: &'a str,
}

impl<'a> Name<'a> {
    /// Takes a key apart.
    pub(super) fn of(key: &'a str) -> Self {
        let (folder, file) = key.split_at(key.rfind('/').map_or(0, |at| at + 1));
        Self { folder, file }
    }

    /// What stands behind the last dot, in lower case. A dot at the very beginning is none.
    pub(super) fn extension(&self) -> Option<String> {
        split(self.file).1.map(str::to_lowercase)
    }
}

/// The name without its extension, and the extension.
fn split(file: &str) -> (&str, Option<&str>) {
    match file.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !extension.is_empty() => {
            (stem, Some(extension))
        }
        _ => (file, None),
    }
}

/// The name with a unique part before its extension, where it is not there yet.
pub(super) fn with_unique(file: &str, unique: &str) -> String {
    match split(file) {
        (stem, _) if stem.ends_with(&format!("-{unique}")) => file.to_owned(),
        (stem, Some(extension)) => format!("{stem}-{unique}.{extension}"),
        (stem, None) => format!("{stem}-{unique}"),
    }
}

/// The name as it is safe everywhere. A folder, whose name is empty, stays one.
pub(super) fn safe(file: &str) -> String {
    if file.is_empty() {
        return String::new();
    }
    let mut out = String::with_capacity(file.len());
    for letter in file.chars().filter(|letter| !('\u{300}'..='\u{36f}').contains(letter)) {
        let kept = match letter {
            '.' | '-' => letter,
            letter if letter.is_alphanumeric() => letter,
            _ => '_',
        };
        if !(matches!(kept, '_' | '.') && out.ends_with(kept)) {
            out.push(kept);
        }
    }
    let trimmed = out.trim_start_matches(['.', '-']).trim_end_matches('.');
    let cut = cut(trimmed);
    let stem = cut.split('.').next().unwrap_or_default().to_lowercase();
    match cut.as_str() {
        "" => "file".to_owned(),
        _ if DEVICES.contains(&stem.as_str()) => format!("_{cut}"),
        _ => cut,
    }
}

fn cut(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let (stem, extension) = match split(name) {
        (stem, Some(extension)) if extension.len() <= LONGEST_EXTENSION => {
            (stem, format!(".{extension}"))
        }
        _ => (name, String::new()),
    };
    let room = LONGEST - extension.len();
    let end = (0..=room).rev().find(|at| stem.is_char_boundary(*at)).unwrap_or(0);
    let stem = stem.get(..end).unwrap_or_default().trim_end_matches('.');
    format!("{stem}{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_safe() {
        for (name, made) in [
            ("cat.jpg", "cat.jpg"),
            ("my cat (1).jpg", "my_cat_1_.jpg"),
            ("..", "file"),
            ("...hidden", "hidden"),
            ("-rf", "rf"),
            ("a\\b\"c'd", "a_b_c_d"),
            ("a\0b\nc", "a_b_c"),
            ("Übersicht 日本.pdf", "Übersicht_日本.pdf"),
            ("cafe\u{301}.txt", "cafe.txt"),
            ("a..b", "a.b"),
            ("con", "_con"),
            ("NUL.txt", "_NUL.txt"),
            ("<script>", "_script_"),
            ("a\u{202e}gpj.exe", "a_gpj.exe"),
            ("trailing.", "trailing"),
            ("", ""),
        ] {
            assert_eq!(safe(name), made, "{name:?}");
        }
        let long = format!("{}.tar.gz", "é".repeat(300));
        let made = safe(&long);
        assert!(made.len() <= LONGEST && made.strip_suffix(".gz").is_some(), "{made}");
    }

    #[test]
    fn the_unique_part_stands_before_the_extension() {
        assert_eq!(with_unique("a.tar.gz", "x1"), "a.tar-x1.gz");
        assert_eq!(with_unique("a.tar-x1.gz", "x1"), "a.tar-x1.gz");
        assert_eq!(with_unique("plain", "x1"), "plain-x1");
        assert_eq!(with_unique(".hidden", "x1"), ".hidden-x1");
        let extension = |key| Name::of(key).extension();
        assert_eq!(extension("a.b/c.PDF").as_deref(), Some("pdf"));
        assert_eq!(extension("a.b/c"), None);
        assert_eq!(extension("a/.profile"), None);
    }

    proptest::proptest! {
        #[test]
        fn a_safe_name_stays(name in "\\PC{0,30}|[\u{0}-\u{ff}]{0,40}|[._ a-]{0,12}|[é.]{90,260}") {
            let name = name.replace('/', "");
            let made = safe(&name);
            proptest::prop_assert_eq!(safe(&made), made.clone());
            proptest::prop_assert!(made.len() <= LONGEST + 1);
            proptest::prop_assert_eq!(made.is_empty(), name.is_empty());
        }
    }
}
