//! One rule, and what of it can be judged without a body.

use std::collections::BTreeSet;

use super::content_type::TypePattern;
use super::danger;
use super::name::{Name, safe};
use crate::body::{Refusal, RefusalKind};
use crate::object::BucketName;

/// What may be stored under a prefix. The default allows everything.
#[allow(clippy::struct_excessive_bools, reason = "switches of the configuration, each of its own")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// What refusals call it.
    pub name: String,
    /// The bucket that it is for; every bucket without.
    pub bucket: Option<BucketName>,
    /// What the keys that it is for begin with.
    pub prefix: String,
    /// The extensions that names may have, in lower case and without a dot.
    pub extensions: Option<BTreeSet<String>>,
    /// The content types that may be declared.
    pub content_types: Option<Vec<TypePattern>>,
    /// The types that the content may really be of.
    pub detected_types: Option<Vec<TypePattern>>,
    /// Whether the content must be of the type that is declared.
    pub match_content: bool,
    /// The most bytes.
    pub max_size: Option<u64>,
    /// The fewest bytes.
    pub min_size: u64,
    /// Whether what can do harm to who opens it is refused.
    pub block_dangerous: bool,
    /// What becomes of file names.
    pub names: Names,
    /// Whether names get a unique part.
    pub unique_names: bool,
    /// Whether the content is scanned for viruses.
    pub antivirus: bool,
}

/// What becomes of file names that are not safe everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// They stay as they are.
    #[default]
    Any,
    /// They are made safe.
    Safe,
    /// They are refused.
    Refuse,
}

impl Rule {
    /// Whether it is for this key.
    pub(super) fn holds_for(&self, bucket: &BucketName, key: &str) -> bool {
        self.bucket.as_ref().is_none_or(|own| own == bucket) && key.starts_with(&self.prefix)
    }

    /// Judges a name and a declared type.
    pub(super) fn admit(&self, name: &Name<'_>, declared: Option<&str>) -> Result<(), Refusal> {
        if self.names == Names::Refuse && safe(name.file) != name.file {
            return Err(self.wrong(format!("the file name {:?} is not a safe one", name.file)));
        }
        let extension = name.extension();
        let extension = extension.as_deref();
        if let Some(allowed) = &self.extensions
            && !extension.is_some_and(|extension| allowed.contains(extension))
        {
            let list = allowed.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(self.wrong(match extension {
                Some(extension) => format!("the extension {extension:?} is not one of: {list}"),
                None => format!("the file name has no extension; allowed are: {list}"),
            }));
        }
        if let Some(allowed) = &self.content_types
            && !declared.is_some_and(|declared| TypePattern::any(allowed, declared))
        {
            let list = TypePattern::list(allowed);
            return Err(self.wrong(match declared {
                Some(declared) => format!("the content type {declared:?} is not one of: {list}"),
                None => format!("no content type is declared; allowed are: {list}"),
            }));
        }
        if self.block_dangerous {
            if let Some(extension) = extension.filter(|it| danger::is_extension(it)) {
                return Err(self.denied(format!("files named .{extension} are dangerous")));
            }
            if let Some(declared) = declared.filter(|it| danger::is_declared(it)) {
                return Err(self.denied(format!("the content type {declared:?} is dangerous")));
            }
        }
        Ok(())
    }

    /// Judges a size; the least only where it is that of the whole.
    pub(super) fn check_size(&self, size: u64, whole: bool) -> Result<(), Refusal> {
        if let Some(limit) = self.max_size.filter(|limit| size > *limit) {
            let size = whole.then_some(size);
            let message = self.says(&format!("it has more than {limit} bytes"));
            return Err(Refusal { kind: RefusalKind::TooLarge { size, limit }, message });
        }
        if whole && size < self.min_size {
            let least = self.min_size;
            let message = self.says(&format!("it has {size} bytes, fewer than {least}"));
            return Err(Refusal { kind: RefusalKind::TooSmall { size, least }, message });
        }
        Ok(())
    }

    /// The refusal of what the sender says.
    pub(super) fn wrong(&self, why: impl AsRef<str>) -> Refusal {
        Refusal { kind: RefusalKind::Argument, message: self.says(why.as_ref()) }
    }

    /// The refusal of what the content is.
    pub(super) fn denied(&self, why: impl AsRef<str>) -> Refusal {
        Refusal { kind: RefusalKind::Content, message: self.says(why.as_ref()) }
    }

    /// The refusal of what nobody could look at.
    pub(super) fn unseen(&self, why: impl AsRef<str>) -> Refusal {
        Refusal { kind: RefusalKind::Unseen, message: self.says(why.as_ref()) }
    }

    fn says(&self, why: &str) -> String {
        format!("Upload rule {:?}: {why}.", self.name)
    }
}
