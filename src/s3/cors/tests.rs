use http::HeaderMap;
use proptest::prelude::*;

use super::*;
use crate::s3::error::Code;

fn rule(origins: &[&str], methods: &[&str], headers: &[&str]) -> String {
    let list = |name: &str, values: &[&str]| {
        let each = values.iter().map(|value| format!("<{name}>{value}</{name}>"));
        each.collect::<Vec<_>>().concat()
    };
    format!(
        "<CORSRule>{}{}{}</CORSRule>",
        list("AllowedOrigin", origins),
        list("AllowedMethod", methods),
        list("AllowedHeader", headers)
    )
}

fn cors(rules: &[String]) -> Cors {
    let document = format!("<CORSConfiguration>{}</CORSConfiguration>", rules.concat());
    Cors::read(&Cors::check(document.as_bytes()).unwrap()).unwrap()
}

/// The number of the rule that allows it.
fn found(cors: &Cors, origin: &str, method: &str, headers: &str) -> Option<usize> {
    let headers = header_names(headers);
    let allowed = cors.find(Asked { origin, method, headers: &headers })?;
    cors.rules.iter().position(|rule| std::ptr::eq(rule, allowed.rule))
}

#[test]
fn the_first_rule_that_allows_everything_wins() {
    let cors = cors(&[
        rule(&["http://www.a.example"], &["PUT", "POST"], &["*"]),
        rule(&["http://*.a.example"], &["PUT"], &["x-amz-*", "Content-Type"]),
        rule(&["http://b.example", "null"], &["DELETE"], &[]),
        rule(&["*"], &["GET"], &[]),
    ]);
    for (origin, method, headers, expected) in [
        ("http://www.a.example", "PUT", "", Some(0)),
        ("http://www.a.example", "PUT", "anything, At-All", Some(0)),
        ("http://www.a.example", "DELETE", "", None),
        ("http://other.a.example", "PUT", "", Some(1)),
        ("http://other.a.example", "POST", "", None),
        ("http://.a.example", "PUT", "", Some(1)),
        ("http://a.example", "PUT", "", None),
        ("http://other.a.example.evil", "PUT", "", None),
        ("https://other.a.example", "PUT", "", None),
        ("HTTP://OTHER.A.EXAMPLE", "PUT", "", None),
        ("http://other.a.example", "PUT", "X-AMZ-Date,content-type", Some(1)),
        ("http://other.a.example", "PUT", " x-amz-date , ,CONTENT-TYPE ", Some(1)),
        ("http://other.a.example", "PUT", "x-amz-date, authorization", None),
        ("http://other.a.example", "put", "", None),
        ("http://b.example", "DELETE", "", Some(2)),
        ("http://b.example", "DELETE", "x", None),
        ("null", "DELETE", "", Some(2)),
        ("null", "GET", "", Some(3)),
        ("http://anyone", "GET", "", Some(3)),
        ("http://anyone", "HEAD", "", None),
        ("", "GET", "", Some(3)),
    ] {
        assert_eq!(found(&cors, origin, method, headers), expected, "{origin} {method} {headers}");
    }
}

#[test]
fn a_browser_is_told_what_the_rule_allows() {
    let cors = cors(&[
        rule(&["http://a"], &["PUT", "GET"], &["x-*"]).replace(
            "</CORSRule>",
            "<ExposeHeader>ETag</ExposeHeader><ExposeHeader>x-amz-version-id</ExposeHeader>\
             <MaxAgeSeconds>3000</MaxAgeSeconds></CORSRule>",
        ),
        rule(&["*"], &["GET"], &[]),
    ]);
    let told = |origin: &str, headers: &str| {
        let names = header_names(headers);
        let asked = Asked { origin, method: "GET", headers: &names };
        let mut headers = HeaderMap::new();
        allow(&mut headers, cors.find(asked).unwrap(), asked);
        vary(&mut headers);
        let mut lines: Vec<String> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        lines
    };
    let varying = "vary: Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
    assert_eq!(
        told("http://a", "X-One,x-two"),
        [
            "access-control-allow-credentials: true",
            "access-control-allow-headers: x-one, x-two",
            "access-control-allow-methods: PUT, GET",
            "access-control-allow-origin: http://a",
            "access-control-expose-headers: ETag, x-amz-version-id",
            "access-control-max-age: 3000",
            varying,
        ]
    );
    let expected = ["access-control-allow-methods: GET", "access-control-allow-origin: *", varying];
    assert_eq!(told("http://b", ""), expected);
}

#[test]
fn what_s3_refuses_is_refused_in_its_words() {
    let refused = |rule: String| {
        let document = format!("<CORSConfiguration>{rule}</CORSConfiguration>");
        let error = Cors::check(document.as_bytes()).unwrap_err();
        (error.code(), error.text().to_owned())
    };
    for method in ["PATCH", "get", "OPTIONS", "*"] {
        let (code, text) = refused(rule(&["*"], &["GET", method], &[]));
        assert_eq!(code, Code::InvalidRequest);
        let expected =
            format!("Found unsupported HTTP method in CORS config. Unsupported method is {method}");
        assert_eq!(text, expected);
    }
    let (code, text) = refused(rule(&["http://*.*"], &["GET"], &[]));
    assert_eq!(code, Code::InvalidRequest);
    assert_eq!(text, "AllowedOrigin \"http://*.*\" can not have more than one wildcard.");
    let (code, text) = refused(rule(&["*"], &["GET"], &["x-*-*"]));
    assert_eq!(code, Code::InvalidRequest);
    assert_eq!(text, "AllowedHeader \"x-*-*\" can not have more than one wildcard.");
    let exposing = |header: &str| {
        let end = format!("<ExposeHeader>{header}</ExposeHeader></CORSRule>");
        refused(rule(&["*"], &["GET"], &[]).replace("</CORSRule>", &end))
    };
    assert_eq!(exposing("x-*").0, Code::InvalidRequest);
    assert!(exposing("*").1.contains("contains wildcard"));
    assert_eq!(exposing("no header").0, Code::InvalidRequest);
    let long = format!("<ID>{}</ID></CORSRule>", "i".repeat(256));
    let (code, _) = refused(rule(&["*"], &["GET"], &[]).replace("</CORSRule>", &long));
    assert_eq!(code, Code::InvalidArgument);
    assert_eq!(refused(String::new()).0, Code::MalformedXML);
}

proptest! {
    #[test]
    fn a_pattern_matches_what_it_is_made_of(
        before in "[a-z:/.]{0,8}",
        middle in "[a-z:/.*]{0,8}",
        after in "[a-z:/.]{0,8}",
    ) {
        let pattern = Pattern::new(&format!("{before}*{after}"));
        let text = format!("{before}{middle}{after}");
        prop_assert!(pattern.matches(&text));
        let exact = Pattern::new(&format!("{before}{after}"));
        prop_assert_eq!(exact.matches(&text), middle.is_empty());
    }

    #[test]
    fn a_pattern_agrees_with_trying_every_split(
        pattern in "[ab]{0,3}\\*[ab]{0,3}",
        text in "[ab]{0,8}",
    ) {
        let (before, after) = pattern.split_once('*').unwrap();
        let splits = (0..=text.len()).any(|at| {
            (at..=text.len()).any(|end| &text[..at] == before && &text[end..] == after)
        });
        prop_assert_eq!(Pattern::new(&pattern).matches(&text), splits);
    }

    #[test]
    fn more_headers_never_allow_more(
        allowed in proptest::collection::vec("[a-c]{1,2}|[a-c]\\*", 0..3),
        asked in proptest::collection::vec("[a-cA-C]{1,3}", 0..4),
    ) {
        let names: Vec<&str> = allowed.iter().map(String::as_str).collect();
        let cors = cors(&[rule(&["*"], &["GET"], &names)]);
        let all = found(&cors, "o", "GET", &asked.join(",")).is_some();
        let each = asked.iter().all(|name| found(&cors, "o", "GET", name).is_some());
        prop_assert_eq!(all, each);
    }
}
