//! Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write as _};

use crate::object::Latency;

/// A document in the making.
#[derive(Debug, Default)]
pub(super) struct Text(String);

/// A family of samples with one name.
pub(super) struct Family<'a> {
    text: &'a mut Text,
    name: &'static str,
}

/// Names and values of labels.
pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

impl Text {
    /// Begins a family of counters; the name ends in `_total`.
    pub(super) fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "counter", help)
    }

    /// Begins a family of gauges.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "gauge", help)
    }

    /// Begins a family of histograms.
    pub(super) fn histogram(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "histogram", help)
    }

    /// The whole document.
    pub(super) fn finish(self) -> String {
        self.0
    }

    fn family(&mut self, name: &'static str, kind: &str, help: &str) -> Family<'_> {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
        Family { text: self, name }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}

impl Family<'_> {
    /// A sample.
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: impl Display) {
        let labels = shown(labels, None);
        self.text.line(format_args!("{}{labels} {value}", self.name));
    }

    /// The samples of a histogram.
    pub(super) fn latency(&mut self, labels: Labels<'_>, latency: &Latency) {
        let name = self.name;
        for (bound, count) in latency.cumulative() {
            let labels = shown(labels, Some(&bound.to_string()));
            self.text.line(format_args!("{name}_bucket{labels} {count}"));
        }
        let (all, labels) = (shown(labels, Some("+Inf")), shown(labels, None));
        self.text.line(format_args!("{name}_bucket{all} {}", latency.count()));
        self.text.line(format_args!("{name}_sum{labels} {}", latency.sum()));
        self.text.line(format_args!("{name}_count{labels} {}", latency.count()));
    }
}

fn shown(labels: Labels<'_>, bound: Option<&str>) -> String {
    let bound = bound.map(|bound| ("le", bound));
    let labels: Vec<String> = labels
        .iter()
        .copied()
        .chain(bound)
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn samples_are_written_as_prometheus_reads_them() {
        let mut text = Text::default();
        text.gauge("a_bytes", "Some bytes.").sample(&[], 7);
        text.counter("b_total", "Some.").sample(&[("k", "a\"b\\c\nd"), ("l", "m")], 1.5);
        let mut latency = Latency::default();
        latency.observe(Duration::from_millis(700));
        text.histogram("c_seconds", "Some time.").latency(&[("k", "v")], &latency);
        let text = text.finish();
        assert!(text.starts_with("# HELP a_bytes Some bytes.\n# TYPE a_bytes gauge\na_bytes 7\n"));
        assert!(text.contains("b_total{k=\"a\\\"b\\\\c\\nd\",l=\"m\"} 1.5\n"));
        assert!(text.contains("c_seconds_bucket{k=\"v\",le=\"0.5\"} 0\n"));
        assert!(text.contains("c_seconds_bucket{k=\"v\",le=\"1\"} 1\n"));
        assert!(text.ends_with(
            "c_seconds_bucket{k=\"v\",le=\"+Inf\"} 1\nc_seconds_sum{k=\"v\"} 0.7\n\
             c_seconds_count{k=\"v\"} 1\n"
        ));
    }
}
