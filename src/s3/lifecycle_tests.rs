use super::*;

const DAYS: &str = "<Expiration><Days>3</Days></Expiration>";

fn document(rules: &str) -> Vec<u8> {
    format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>").into_bytes()
}

fn one(rest: &str) -> Vec<u8> {
    document(&format!("<Rule><ID>r</ID><Status>Enabled</Status>{rest}</Rule>"))
}

fn refused(rest: &str) -> Option<(Code, String)> {
    let error = checked(&one(rest), None).err()?;
    Some((error.code(), error.text().to_owned()))
}

fn read(rest: &str) -> LifecycleRule {
    let kept = Lifecycle::check(&one(rest)).unwrap();
    Lifecycle::read(&kept).unwrap().rules.remove(0)
}

#[test]
fn rules_are_read_in_both_forms() {
    let old = read(&format!("<Prefix>a/</Prefix>{DAYS}"));
    let new = read(&format!("<Filter><Prefix>a/</Prefix></Filter>{DAYS}"));
    assert_eq!(old, new);
    assert_eq!((old.filter.prefix.as_str(), old.expiration), ("a/", Some(Expiration::Days(3))));
    let all = read(&format!("<Filter/>{DAYS}"));
    assert_eq!(all.filter, LifecycleFilter::default());
    let by_all = read(&format!(
        "<Filter><And><Prefix>p</Prefix><Tag><Key>k</Key><Value>v</Value></Tag>\
         <ObjectSizeGreaterThan>0</ObjectSizeGreaterThan><ObjectSizeLessThan>9\
         </ObjectSizeLessThan></And></Filter>{DAYS}"
    ));
    let expected = LifecycleFilter {
        prefix: "p".to_owned(),
        tags: vec![("k".to_owned(), "v".to_owned())],
        larger_than: Some(0),
        smaller_than: Some(9),
    };
    assert_eq!(by_all.filter, expected);
}

#[test]
fn dates_are_midnights() {
    let dated = |date: &str| format!("<Filter/><Expiration><Date>{date}</Date></Expiration>");
    let expected = Some(Expiration::Date(Timestamp(1_704_067_200_000)));
    for date in ["2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00Z", "2024-01-01"] {
        assert_eq!(read(&dated(date)).expiration, expected, "{date}");
    }
    let (code, text) = refused(&dated("2024-01-01T01:00:00Z")).unwrap();
    assert_eq!((code, text.as_str()), (Code::InvalidArgument, "'Date' must be at midnight GMT"));
    for date in ["20240101", "tomorrow", "2024-13-01"] {
        assert_eq!(refused(&dated(date)).unwrap().0, Code::MalformedXML, "{date}");
    }
}

#[test]
fn ids_are_made_up_and_differ() {
    let rule = format!("<Rule><Filter/><Status>Enabled</Status>{DAYS}</Rule>");
    let document_of = |rules: &str| checked(&document(rules), None);
    let made = document_of(&rule.repeat(2)).unwrap();
    let ids: Vec<_> = made.rules.iter().map(|rule| rule.id.clone().unwrap()).collect();
    assert!(!ids[0].is_empty() && ids[0] != ids[1]);
    let named = |id: &str| rule.replace("<Filter/>", &format!("<ID>{id}</ID><Filter/>"));
    assert!(!document_of(&named("")).unwrap().rules[0].id.as_ref().unwrap().is_empty());
    assert!(document_of(&named(&"ü".repeat(255))).is_ok());
    for wrong in [named("same").repeat(2), named(&"x".repeat(256))] {
        assert_eq!(document_of(&wrong).unwrap_err().code(), Code::InvalidArgument);
    }
}

#[test]
fn disabled_rules_are_kept_and_do_nothing() {
    let document = document(&format!("<Rule><Filter/><Status>Disabled</Status>{DAYS}</Rule>"));
    let kept = Lifecycle::check(&document).unwrap();
    assert!(String::from_utf8_lossy(&kept).contains("Disabled"));
    assert_eq!(Lifecycle::read(&kept).unwrap(), Lifecycle::default());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let days = |days: &str| format!("<Filter/>{}", DAYS.replace('3', days));
    let abort = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>\
                 </AbortIncompleteMultipartUpload>";
    let tag = "<Tag><Key>k</Key><Value>v</Value></Tag>";
    let marker = "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>\
                  </Expiration>";
    for (rest, code) in [
        (days("0"), Code::InvalidArgument),
        (days("-1"), Code::InvalidArgument),
        (days("9999999999"), Code::InvalidArgument),
        ("<Filter/>".to_owned(), Code::InvalidRequest),
        (format!("<Prefix/><Filter/>{DAYS}"), Code::InvalidRequest),
        (format!("<Prefix>{}</Prefix>{DAYS}", "p".repeat(1025)), Code::InvalidRequest),
        (format!("<Filter>{tag}</Filter>{abort}"), Code::InvalidRequest),
        (format!("<Filter>{tag}</Filter>{marker}"), Code::InvalidRequest),
        (format!("<Filter><And>{tag}{tag}</And></Filter>{DAYS}"), Code::InvalidRequest),
        (
            format!("<Filter><ObjectSizeLessThan>1</ObjectSizeLessThan></Filter>{abort}"),
            Code::InvalidRequest,
        ),
        (
            format!(
                "<Filter><And><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan>\
                 <ObjectSizeLessThan>5</ObjectSizeLessThan></And></Filter>{DAYS}"
            ),
            Code::InvalidRequest,
        ),
        (
            format!("<Filter><ObjectSizeLessThan>-1</ObjectSizeLessThan></Filter>{DAYS}"),
            Code::InvalidArgument,
        ),
        (format!("<Filter/>{}", abort.replace('1', "0")), Code::InvalidArgument),
        (format!("<Filter/>{DAYS}<Transition><Days>1</Days></Transition>"), Code::NotImplemented),
        ("<Filter/><NoncurrentVersionTransition/>".to_owned(), Code::NotImplemented),
        (
            "<Filter/><NoncurrentVersionExpiration><NoncurrentDays>0</NoncurrentDays>\
             </NoncurrentVersionExpiration>"
                .to_owned(),
            Code::InvalidArgument,
        ),
    ] {
        assert_eq!(refused(&rest).map(|(code, _)| code), Some(code), "{rest}");
    }
    for fine in [
        format!("<Filter/>{abort}"),
        format!("<Filter/>{marker}{abort}"),
        format!("<Filter>{tag}</Filter>{DAYS}"),
        "<Filter/><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>\
         <NewerNoncurrentVersions>100</NewerNoncurrentVersions></NoncurrentVersionExpiration>"
            .to_owned(),
    ] {
        assert_eq!(refused(&fine), None, "{fine}");
    }
}

#[test]
fn the_minimum_is_one_of_two() {
    let body = one(&format!("<Filter/>{DAYS}"));
    let document = checked(&body, Some("varies_by_storage_class")).unwrap();
    let again = LifecycleDocument::parse(&kept(&document)).unwrap();
    assert_eq!(again.transition_minimum.as_deref(), Some("varies_by_storage_class"));
    assert_eq!(checked(&body, None).unwrap().transition_minimum, None);
    let wrong = checked(&body, Some("small")).unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
}
