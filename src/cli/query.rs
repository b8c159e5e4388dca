//! Targets of the side API: paths and parameters, percent-encoded.

use std::fmt::{Display, Write as _};

use crate::object::percent::{Slash, encode};

/// A path with parameters behind it.
#[derive(Debug, Clone)]
pub(super) struct Target(String);

impl Target {
    /// Below `/storage/`.
    pub(super) fn new(path: &str) -> Self {
        Self(format!("/storage/{path}"))
    }

    /// With a parameter.
    pub(super) fn with(mut self, name: &str, value: impl Display) -> Self {
        let mark = if self.0.contains('?') { '&' } else { '?' };
        // A text in memory takes all that is written.
        let _ = write!(self.0, "{mark}{name}={}", encode(value.to_string(), Slash::Encode));
        self
    }

    /// With a parameter, where there is a value for it.
    pub(super) fn maybe(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With a parameter for each value.
    pub(super) fn each<'a>(self, name: &str, values: impl IntoIterator<Item = &'a String>) -> Self {
        values.into_iter().fold(self, |target, value| target.with(name, value))
    }

    /// With `name=true`, where that holds.
    pub(super) fn flag(self, name: &str, holds: bool) -> Self {
        if holds { self.with(name, "true") } else { self }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_and_parameters_joined() {
        let target = Target::new("x").flag("a", true).flag("b", false).maybe("c", Some("1/2 ä"));
        assert_eq!(target.maybe("d", None::<u8>).as_str(), "/storage/x?a=true&c=1%2F2%20%C3%A4");
    }
}
