//! What a key says about whom its object belongs to: a template, and the labels that it finds.

use std::fmt;
use std::sync::Arc;

/// The shape of a bucket's keys, such as `attachments/{type}/company_{company}/{*}`.
///
/// `{company}` and `{type}` are the labels, each at most once and at least one of them. `{*}` is
/// any text. A placeholder stands for one character or more, none of them a `/`, up to the first
/// place where the text after it follows, which before the template's end is the key's end; `{*}`
/// at the template's end stands for whatever is left, slashes and nothing at all included. Nothing
/// else of a key is looked at: a date in it may be none.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyTemplate {
    text: Arc<str>,
    tokens: Arc<[Token]>,
}

/// What a key says. A label is absent where the template does not have it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyLabels<'a> {
    /// The company.
    pub company: Option<&'a str>,
    /// The type.
    pub kind: Option<&'a str>,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// Neither `{company}` nor `{type}` is in it.
    #[error("a key template has {{company}}, {{type}} or both")]
    NoLabel,
    /// A label is in it more than once.
    #[error("{{{0}}} stands in the key template more than once")]
    Twice(&'static str),
    /// A placeholder that does not exist.
    #[error("{{{0}}} is no placeholder; there are {{company}}, {{type}} and {{*}}")]
    Unknown(String),
    /// Braces that do not enclose a placeholder.
    #[error("a brace in the key template has no partner")]
    Brace,
    /// Two placeholders with nothing between them, so that nobody could tell where one ends.
    #[error("two placeholders of the key template touch; put some text between them")]
    Touching,
    /// The text is longer than any key.
    #[error("the key template has more than 1024 bytes")]
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Company,
    Type,
    Any,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(String),
    Field(Field),
    /// `{*}` at the end.
    Rest,
}

impl KeyTemplate {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        if text.len() > super::MAX_KEY_BYTES {
            return Err(InvalidTemplate::TooLong);
        }
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (literal, behind) = rest.split_at(at);
            let inner = behind.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let Some((name, behind)) = inner else { return Err(InvalidTemplate::Brace) };
            if !literal.is_empty() {
                tokens.push(Token::Literal(literal.to_owned()));
            }
            let field = Field::named(name)?;
            if let Some(Token::Field(_)) = tokens.last() {
                return Err(InvalidTemplate::Touching);
            }
            tokens.push(Token::Field(field));
            rest = behind;
        }
        if !rest.is_empty() {
            tokens.push(Token::Literal(rest.to_owned()));
        }
        if let Some(last @ Token::Field(Field::Any)) = tokens.last_mut() {
            *last = Token::Rest;
        }
        check_labels(&tokens)?;
        Ok(Self { text: text.into(), tokens: tokens.into() })
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What a key says; `None` where it is not of this shape.
    pub fn labels<'a>(&self, key: &'a str) -> Option<KeyLabels<'a>> {
        let mut labels = KeyLabels::default();
        let mut rest = key;
        let mut tokens = self.tokens.iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                Token::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Token::Rest => return Some(labels),
                Token::Field(field) => {
                    let next = tokens.next();
                    let is_last = tokens.peek().is_none();
                    let (value, behind) = match next {
                        None => (rest, ""),
                        Some(Token::Literal(literal)) if is_last => {
                            (rest.strip_suffix(literal.as_str())?, "")
                        }
                        Some(Token::Literal(literal)) => rest.split_once(literal.as_str())?,
                        Some(Token::Field(_) | Token::Rest) => return None,
                    };
                    if value.is_empty() || value.contains('/') {
                        return None;
                    }
                    labels.set(*field, value);
                    rest = behind;
                }
            }
        }
        rest.is_empty().then_some(labels)
    }

    /// Whose all keys of this shape are that begin with `prefix`; `None` as long as they could be of
    /// different companies, or where there can be no such key.
    pub fn company_below<'a>(&self, prefix: &'a str) -> Option<&'a str> {
        let mut rest = prefix;
        let mut tokens = self.tokens.iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                Token::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Token::Field(field) => {
                    let Some(Token::Literal(literal)) = tokens.next() else { return None };
                    // Up to the template's last text a field goes on to the key's end.
                    tokens.peek()?;
                    let (value, behind) = rest.split_once(literal.as_str())?;
                    if value.is_empty() || value.contains('/') {
                        return None;
                    }
                    if *field == Field::Company {
                        return Some(value);
                    }
                    rest = behind;
                }
                Token::Rest => return None,
            }
        }
        None
    }

    /// What all keys with these labels begin with, as far as that is known: a listing of this
    /// prefix has all of them, and others too where a label before the given one is open.
    pub fn prefix(&self, company: Option<&str>, kind: Option<&str>) -> String {
        let mut prefix = String::new();
        for token in self.tokens.iter() {
            let text = match token {
                Token::Literal(literal) => Some(literal.as_str()),
                Token::Field(Field::Company) => company,
                Token::Field(Field::Type) => kind,
                Token::Field(Field::Any) | Token::Rest => None,
            };
            match text {
                Some(text) => prefix.push_str(text),
                None => break,
            }
        }
        prefix
    }
}

impl<'a> KeyLabels<'a> {
    fn set(&mut self, field: Field, value: &'a str) {
        match field {
            Field::Company => self.company = Some(value),
            Field::Type => self.kind = Some(value),
            Field::Any => {}
        }
    }
}

impl Field {
    fn named(name: &str) -> Result<Self, InvalidTemplate> {
        match name {
            "company" => Ok(Self::Company),
            "type" => Ok(Self::Type),
            "*" => Ok(Self::Any),
            other if other.contains('{') => Err(InvalidTemplate::Brace),
            other => Err(InvalidTemplate::Unknown(other.to_owned())),
        }
    }
}

fn check_labels(tokens: &[Token]) -> Result<(), InvalidTemplate> {
    let count = |field| tokens.iter().filter(|token| **token == Token::Field(field)).count();
    match (count(Field::Company), count(Field::Type)) {
        (0, 0) => Err(InvalidTemplate::NoLabel),
        (2.., _) => Err(InvalidTemplate::Twice("company")),
        (_, 2..) => Err(InvalidTemplate::Twice("type")),
        _ => Ok(()),
    }
}

impl Default for KeyTemplate {
    /// `attachments/{type}/company_{company}/{*}`.
    fn default() -> Self {
        let literal = |text: &str| Token::Literal(text.to_owned());
        let (kind, company) = (Token::Field(Field::Type), Token::Field(Field::Company));
        let tokens = [
            literal("attachments/"),
            kind,
            literal("/company_"),
            company,
            literal("/"),
            Token::Rest,
        ];
        Self { text: "attachments/{type}/company_{company}/{*}".into(), tokens: tokens.into() }
    }
}

impl fmt::Debug for KeyTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

impl fmt::Display for KeyTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
