//! The parameters of a call, in its query: unknown, doubled and malformed ones are refused.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::reply::Fault;
use crate::object::BucketName;
use crate::object::percent::{Plus, decode};

/// The parameters that a resource knows, with their values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query in which only `known` names may stand, and only `repeated` ones more than once.
    pub(super) fn parse(
        query: Option<&str>,
        known: &[&str],
        repeated: &[&str],
    ) -> Result<Self, Fault> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Ok(name), Ok(value)) = (decode(name, Plus::Space), decode(value, Plus::Space))
            else {
                return Err(Fault::parameter(format!("{pair:?} is not percent-encoded UTF-8")));
            };
            if !known.contains(&name.as_str()) {
                return Err(Fault::parameter(unknown(&name, known)));
            }
            let once = !repeated.contains(&name.as_str());
            if once && parameters.iter().any(|(other, _)| *other == name) {
                return Err(Fault::parameter(format!("the parameter {name:?} is given twice")));
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// A parameter's value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A bucket's name.
    pub(super) fn bucket(&self, name: &str) -> Result<Option<BucketName>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let refused = |why| Fault::parameter(format!("{name} is {text:?}: {why}"));
        BucketName::parse(text).map(Some).map_err(refused)
    }

    /// Whether the backend that is named is the upstream.
    pub(super) fn away(&self) -> Result<Option<bool>, Fault> {
        match self.get("storage_backend") {
            None => Ok(None),
            Some("local") => Ok(Some(false)),
            Some("s3") => Ok(Some(true)),
            Some(other) => Err(Fault::parameter(format!(
                "storage_backend is {other:?}, which is neither local nor s3"
            ))),
        }
    }

    /// All values of a parameter that may be repeated.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let values = self.0.iter().filter(|(other, _)| other == name);
        values.map(|(_, value)| value.clone()).collect()
    }

    /// A value that is read by `parse`; `what` says what would be.
    pub(super) fn parsed<T>(
        &self,
        name: &str,
        what: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match parse(text) {
            Some(value) => Ok(Some(value)),
            None => Err(Fault::parameter(format!("{name} is {text:?}, which is no {what}"))),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Fault> {
        match self.get(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(Fault::parameter(format!(
                "{name} is {other:?}, which is neither true nor false"
            ))),
        }
    }

    /// A number within bounds.
    pub(super) fn number(
        &self,
        name: &str,
        bounds: RangeInclusive<u64>,
    ) -> Result<Option<u64>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let digits = !text.starts_with(['0', '+']) || text == "0";
        match text.parse().ok().filter(|number| digits && bounds.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(Fault::parameter(format!(
                "{name} is {text:?}, which is no whole number from {} to {}",
                bounds.start(),
                bounds.end()
            ))),
        }
    }

    /// A time such as `500ms`, `60s` or `5m`, of at most `most`.
    pub(super) fn period(&self, name: &str, most: Duration) -> Result<Option<Duration>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match period(text).filter(|period| *period <= most) {
            Some(period) => Ok(Some(period)),
            None => Err(Fault::parameter(format!(
                "{name} is {text:?}, which is no time such as 500ms, 60s or 5m of at most {most:?}"
            ))),
        }
    }
}

fn unknown(name: &str, known: &[&str]) -> String {
    match known {
        [] => format!("the parameter {name:?} is unknown; there is none here"),
        known => format!("the parameter {name:?} is unknown; known here: {}", known.join(", ")),
    }
}

fn period(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    if number.len() > 1 && number.starts_with('0') {
        return None;
    }
    Some(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(factor)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_parameters_are_read_and_others_refused() {
        let good = Parameters::parse(Some("wait=60s&&a%20b=%C3%BC+x"), &["wait", "a b"], &[]);
        let good = good.expect("known");
        assert_eq!((good.get("wait"), good.get("a b")), (Some("60s"), Some("ü x")));
        assert_eq!(good.get("other"), None);
        assert_eq!(Parameters::parse(None, &[], &[]), Ok(Parameters(Vec::new())));
        for (query, hint) in [
            ("dry_run=true", "\"dry_run\" is unknown; known here: wait"),
            ("wait=1s&wait=2s", "given twice"),
            ("wait=%4", "percent-encoded"),
            ("wait=%ff", "percent-encoded"),
            ("Wait=1s", "unknown"),
        ] {
            let fault = Parameters::parse(Some(query), &["wait"], &[]).expect_err(query);
            assert_eq!(fault.status.as_u16(), 400);
            assert!(fault.message.contains(hint), "{}", fault.message);
        }
    }

    #[test]
    fn a_time_has_a_unit_and_a_bound() {
        let most = Duration::from_mins(10);
        let period = |value: &str| {
            let query = format!("wait={value}");
            Parameters::parse(Some(&query), &["wait"], &[]).expect("known").period("wait", most)
        };
        for (text, millis) in [("500ms", 500), ("60s", 60_000), ("10m", 600_000), ("0s", 0)] {
            assert_eq!(period(text), Ok(Some(Duration::from_millis(millis))), "{text}");
        }
        for text in ["", "60", "s", "1h", "060s", "-1s", "1.5s", "99999999999999999999s"] {
            assert!(period(text).is_err(), "{text}");
        }
        assert_eq!(Parameters(Vec::new()).period("wait", most), Ok(None));
    }
}
