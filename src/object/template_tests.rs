use proptest::prelude::*;

use super::*;

const ATTACHMENTS: &str = "attachments/{type}/company_{company}/{*}";

fn template(text: &str) -> KeyTemplate {
    KeyTemplate::parse(text).expect(text)
}

fn labels<'a>(text: &str, key: &'a str) -> Option<(Option<&'a str>, Option<&'a str>)> {
    template(text).labels(key).map(|labels| (labels.company, labels.kind))
}

#[test]
fn the_applications_keys_are_understood() {
    for (text, key, company, kind) in [
        (
            ATTACHMENTS,
            "attachments/invoice/company_1/2025-01-31/101530_a1b2c3d4_bill.pdf",
            "1",
            "invoice",
        ),
        // Times that cannot be, and no file name.
        (ATTACHMENTS, "attachments/payroll/company_17/2025-13-45/256199_zzzzzzzz", "17", "payroll"),
        (ATTACHMENTS, "attachments/bank_statement/company_2/", "2", "bank_statement"),
        ("companies/{company}/{type}/{*}", "companies/acme/letters/a/b", "acme", "letters"),
        ("{type}/user_{company}_{*}", "avatars/user_1_avatar_profile.jpg", "1", "avatars"),
        ("{type}/video_{company}_thumb.jpg", "thumbnails/video_1_thumb.jpg", "1", "thumbnails"),
        ("{type}/{company}.pdf", "guides/a.pdf.pdf", "a.pdf", "guides"),
        ("{*}/{type}/{company}", "any/b/c", "c", "b"),
    ] {
        assert_eq!(labels(text, key), Some((Some(company), Some(kind))), "{text} of {key}");
    }
    let programme = labels("events/{type}/{*}", "events/programmes/3f2a.pdf");
    assert_eq!(programme, Some((None, Some("programmes"))));
}

#[test]
fn other_keys_are_not() {
    for (text, key) in [
        (ATTACHMENTS, "attachments/invoice/1/x"),
        (ATTACHMENTS, "attachments/invoice/company_/x"),
        (ATTACHMENTS, "attachments//company_1/x"),
        (ATTACHMENTS, "attachments/a/b/company_1/x"),
        (ATTACHMENTS, "attachments/invoice/company_1"),
        (ATTACHMENTS, "Attachments/invoice/company_1/x"),
        (ATTACHMENTS, "x"),
        ("{company}", "a/b"),
        ("{type}/{company}.pdf", "guides/a.txt"),
        ("{type}/{company}.pdf", "guides/.pdf"),
    ] {
        assert_eq!(labels(text, key), None, "{text} of {key}");
    }
}

#[test]
fn what_is_no_template_is_refused_with_the_reason() {
    let parse = |text: &str| KeyTemplate::parse(text).expect_err(text);
    for text in ["", "a/b", "a/{*}"] {
        assert_eq!(parse(text), InvalidTemplate::NoLabel, "{text}");
    }
    for text in ["{company", "company}/{type}", "{type}/{{company}}", "{}}"] {
        let fault = parse(text);
        let unknown = fault == InvalidTemplate::Unknown(String::new());
        assert!(fault == InvalidTemplate::Brace || unknown, "{text}: {fault}");
    }
    assert_eq!(parse("{company}{type}"), InvalidTemplate::Touching);
    assert_eq!(parse("{type}{*}"), InvalidTemplate::Touching);
    assert_eq!(parse("{type}/{type}"), InvalidTemplate::Twice("type"));
    assert_eq!(parse("{company}/{company}"), InvalidTemplate::Twice("company"));
    assert_eq!(parse("{Company}"), InvalidTemplate::Unknown("Company".to_owned()));
    assert_eq!(parse(&format!("{{type}}{}", "x".repeat(1024))), InvalidTemplate::TooLong);
    assert_eq!(
        parse("{year}").to_string(),
        "{year} is no placeholder; there are {company}, {type} and {*}"
    );
}

#[test]
fn a_prefix_goes_as_far_as_the_labels_are_known() {
    let template = template(ATTACHMENTS);
    let prefix = |company, kind| template.prefix(company, kind);
    assert_eq!(prefix(None, None), "attachments/");
    assert_eq!(prefix(Some("1"), None), "attachments/");
    assert_eq!(prefix(None, Some("invoice")), "attachments/invoice/company_");
    assert_eq!(prefix(Some("1"), Some("invoice")), "attachments/invoice/company_1/");
}

#[test]
fn a_prefix_is_a_companys_once_its_name_has_ended() {
    let company = |text: &str, prefix: &str| {
        template(text).company_below(prefix).map(str::to_owned).unwrap_or_default()
    };
    assert_eq!(company(ATTACHMENTS, "attachments/invoice/company_1/"), "1");
    assert_eq!(company(ATTACHMENTS, "attachments/invoice/company_1/2025-01-31/x"), "1");
    assert_eq!(company("docs/{company}/{type}/{*}", "docs/1/"), "1");
    assert_eq!(company("{type}/user_{company}_{*}", "avatars/user_1_"), "1");
    for prefix in [
        "",
        "attachments/",
        "attachments/invoice/",
        "attachments/invoice/company_1",
        "attachments/a/b/company_1/",
        "attachments/invoice/company_/",
        "other/company_1/",
    ] {
        assert_eq!(company(ATTACHMENTS, prefix), "", "{prefix}");
    }
    assert_eq!(company("{type}/{company}.pdf", "a/1.pdf"), "");
    assert_eq!(company("{type}/{company}", "a/1"), "");
    assert_eq!(company("events/{type}/{*}", "events/a/"), "");
}

/// A template as tokens: texts between placeholders, and the placeholders.
fn shapes() -> impl Strategy<Value = (Vec<String>, Vec<&'static str>)> {
    let fields = Just(vec!["{company}", "{type}", "{*}"]).prop_shuffle();
    (proptest::collection::vec("[a-c/_-]{1,4}", 4), fields, 1_usize..=3).prop_filter_map(
        "a label",
        |(texts, mut fields, count)| {
            fields.truncate(count);
            let labelled = fields.iter().any(|field| *field != "{*}");
            labelled.then_some((texts, fields))
        },
    )
}

fn filled(texts: &[String], values: &[impl AsRef<str>]) -> String {
    let mut text = texts.first().cloned().unwrap_or_default();
    for (value, behind) in values.iter().zip(texts.iter().skip(1)) {
        text = text + value.as_ref() + behind;
    }
    text
}

proptest! {
    #[test]
    fn what_is_filled_in_is_found(
        (texts, fields) in shapes(),
        values in proptest::collection::vec("[0-9A-Z.]{1,5}", 3),
    ) {
        let template = template(&filled(&texts, &fields));
        let values = &values[..fields.len()];
        let key = filled(&texts, values);
        let of = |name| {
            fields.iter().position(|field| *field == name).map(|at| values[at].as_str())
        };
        let expected = KeyLabels { company: of("{company}"), kind: of("{type}") };
        prop_assert_eq!(template.labels(&key), Some(expected));
        prop_assert!(key.starts_with(&template.prefix(expected.company, expected.kind)));
        prop_assert!(key.starts_with(&template.prefix(None, expected.kind)));
        prop_assert!(key.starts_with(&template.prefix(None, None)));
    }

    #[test]
    fn all_keys_below_a_companys_prefix_are_its(
        text in "[a-b/_]{0,3}\\{(company\\}[a-b/_]{1,3}\\{type|type\\}[a-b/_]{1,3}\\{company)\\}([a-b/_]{1,3}|[a-b/]\\{\\*\\})?",
        prefix in "[a-b/_0-1]{0,12}",
        rest in "[a-b/_0-1]{0,6}",
    ) {
        let template = template(&text);
        if let Some(company) = template.company_below(&prefix) {
            let key = format!("{prefix}{rest}");
            if let Some(labels) = template.labels(&key) {
                prop_assert_eq!(labels.company, Some(company), "{} of {}", text, key);
            }
        }
    }

    #[test]
    fn labels_are_parts_of_the_key_without_slashes(
        text in "[a-b/_]{0,3}\\{company\\}[a-b/_]{1,3}\\{type\\}([a-b/_]{1,3}|[a-b/]\\{\\*\\})?",
        key in "[a-b/_0-1]{0,16}",
    ) {
        if let Some(labels) = template(&text).labels(&key) {
            for label in [labels.company, labels.kind] {
                let label = label.expect("both are in the template");
                prop_assert!(!label.is_empty() && !label.contains('/') && key.contains(label));
            }
            prop_assert!(key.starts_with(&template(&text).prefix(labels.company, labels.kind)));
        }
    }

    #[test]
    fn never_panics(text in "[{}a-c/*]{0,24}|\\{company\\}\\PC{0,10}", key in "\\PC{0,20}") {
        if let Ok(template) = KeyTemplate::parse(&text) {
            prop_assert_eq!(template.as_str(), text.as_str());
            template.labels(&key);
        }
    }
}

#[test]
fn the_usual_template_is_what_its_text_says() {
    let usual = KeyTemplate::default();
    assert_eq!(KeyTemplate::parse(usual.as_str()), Ok(usual.clone()));
    assert_eq!(usual.as_str(), ATTACHMENTS);
}
