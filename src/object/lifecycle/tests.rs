use proptest::prelude::*;

use super::*;

const HOUR: i64 = DAY / 24;

fn rule(id: &str, prefix: &str, expiration: Expiration) -> LifecycleRule {
    let filter = LifecycleFilter { prefix: prefix.to_owned(), ..LifecycleFilter::default() };
    LifecycleRule { id: id.to_owned(), filter, expiration: Some(expiration), abort_after: None }
}

fn tags(pairs: &[(&str, &str)]) -> TagSet {
    let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    TagSet::for_object(pairs).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_http_date(text).unwrap()
}

#[test]
fn days_are_counted_to_the_midnight_that_follows() {
    for (stored, days, expected) in [
        // The example of the S3 User Guide.
        ("2014-01-15T10:30:00Z", 3, "2014-01-19T00:00:00Z"),
        ("2014-01-15T00:00:00Z", 1, "2014-01-17T00:00:00Z"),
        ("2014-01-15T23:59:59Z", 1, "2014-01-17T00:00:00Z"),
        ("2016-02-28T12:00:00Z", 1, "2016-03-01T00:00:00Z"),
        ("1969-12-31T12:00:00Z", 1, "1970-01-02T00:00:00Z"),
    ] {
        let rules = Lifecycle { rules: vec![rule("r", "", Expiration::Days(days))] };
        let due = rules.expiry("k", 0, at(stored), None).unwrap();
        assert_eq!((due.at, due.rule), (at(expected), "r"), "{stored}");
    }
}

#[test]
fn a_date_is_the_same_for_all_objects_and_stays_so() {
    let date = at("2024-01-01T00:00:00Z");
    let rules = Lifecycle { rules: vec![rule("r", "", Expiration::Date(date))] };
    for stored in ["2020-05-05T05:05:05Z", "2030-05-05T05:05:05Z"] {
        assert_eq!(rules.expiry("k", 0, at(stored), None).unwrap().at, date);
    }
}

#[test]
fn filters_hold_all_together() {
    let filter = LifecycleFilter {
        prefix: "a/".to_owned(),
        tags: vec![("t".to_owned(), "1".to_owned()), ("u".to_owned(), String::new())],
        larger_than: Some(10),
        smaller_than: Some(20),
    };
    let rule = LifecycleRule { filter, ..rule("r", "", Expiration::Days(1)) };
    let rules = Lifecycle { rules: vec![rule] };
    let both = tags(&[("t", "1"), ("u", ""), ("v", "x")]);
    let goes = |key, size, tags: Option<&TagSet>| rules.expiry(key, size, Timestamp(0), tags);
    assert!(goes("a/k", 11, Some(&both)).is_some());
    assert!(goes("a/k", 19, Some(&both)).is_some());
    for (key, size, tags) in [
        ("b/k", 15, Some(&both)),
        ("a/k", 10, Some(&both)),
        ("a/k", 20, Some(&both)),
        ("a/k", 15, None),
        ("a/k", 15, Some(&tags(&[("t", "1")]))),
        ("a/k", 15, Some(&tags(&[("t", "2"), ("u", "")]))),
    ] {
        assert_eq!(goes(key, size, tags), None, "{key} {size} {tags:?}");
    }
}

#[test]
fn the_first_of_several_rules_wins() {
    let rules = Lifecycle {
        rules: vec![
            rule("long", "", Expiration::Days(30)),
            rule("short", "a", Expiration::Days(3)),
            rule("equal", "a", Expiration::Days(3)),
        ],
    };
    let of = |key| rules.expiry(key, 0, Timestamp(HOUR), None).unwrap().rule;
    assert_eq!((of("a"), of("b")), ("short", "long"));
}

#[test]
fn tags_are_asked_for_only_where_they_decide() {
    let mut tagged = rule("tagged", "a", Expiration::Days(3));
    tagged.filter.tags = vec![("t".to_owned(), "1".to_owned())];
    let rules = Lifecycle { rules: vec![rule("all", "a/old", Expiration::Days(2)), tagged] };
    let stored = Timestamp(HOUR);
    let asks = |key| rules.depends_on_tags(key, 0, stored);
    assert_eq!((asks("a/new"), asks("a/old"), asks("b")), (true, false, false));
    let awaits = |key, days| rules.awaits_tags(key, 0, stored, Timestamp(days * DAY));
    assert_eq!((awaits("a/new", 3), awaits("a/new", 4)), (false, true));
    assert_eq!((awaits("a/old", 2), awaits("a/old", 4), awaits("b", 9)), (false, false, false));
}

#[test]
fn uploads_go_by_the_earliest_rule_of_their_prefix() {
    let abort = |id: &str, prefix: &str, days| LifecycleRule {
        expiration: None,
        abort_after: Some(days),
        ..rule(id, prefix, Expiration::Days(1))
    };
    let rules = Lifecycle { rules: vec![abort("all", "", 7), abort("a", "a/", 3)] };
    let due = rules.abortion("a/k", Timestamp(HOUR)).unwrap();
    assert_eq!((due.at, due.rule), (Timestamp(4 * DAY), "a"));
    assert_eq!(rules.abortion("k", Timestamp(HOUR)).unwrap().rule, "all");
    assert!(rules.aborts_uploads() && !rules.expires_objects());
    assert_eq!(Lifecycle::default().abortion("k", Timestamp(0)), None);
}

fn any_rule() -> impl Strategy<Value = LifecycleRule> {
    let expiration = prop_oneof![
        (1u32..400).prop_map(Expiration::Days),
        (0i64..40_000).prop_map(|day| Expiration::Date(Timestamp(day * DAY))),
    ];
    let size = || proptest::option::of(0u64..100);
    let tags = proptest::collection::vec(("[ab]", "[01]"), 0..3);
    let filter = ("[ab]{0,2}", tags, size(), size());
    (filter, proptest::option::of(expiration), proptest::option::of(1u32..9)).prop_map(
        |((prefix, tags, larger_than, smaller_than), expiration, abort_after)| LifecycleRule {
            id: prefix.clone(),
            filter: LifecycleFilter { prefix, tags, larger_than, smaller_than },
            expiration,
            abort_after,
        },
    )
}

proptest! {
    /// What is told is midnight, never before the days are over, and never later than any rule
    /// alone would have it.
    #[test]
    fn no_rule_is_missed_and_none_is_early(
        rules in proptest::collection::vec(any_rule(), 0..5),
        key in "[ab]{1,3}",
        size in 0u64..100,
        stored in 0i64..20_000 * DAY,
        tag in proptest::option::of(("[ab]", "[01]")),
    ) {
        let set = tag.map(|tag| TagSet::for_object([tag]).unwrap());
        let stored = Timestamp(stored);
        let all = Lifecycle { rules: rules.clone() };
        let due = all.expiry(&key, size, stored, set.as_ref());
        let alone = |rule: LifecycleRule| {
            let one = Lifecycle { rules: vec![rule] };
            one.expiry(&key, size, stored, set.as_ref()).map(|due| due.at)
        };
        prop_assert_eq!(due.map(|due| due.at), rules.iter().cloned().filter_map(alone).min());
        for rule in &rules {
            if let (Some(Expiration::Days(days)), Some(at)) = (rule.expiration, alone(rule.clone())) {
                prop_assert!(at.0 > stored.0 + i64::from(days) * DAY);
                prop_assert!(at.0 <= stored.0 + i64::from(days + 1) * DAY);
                prop_assert_eq!(at.0 % DAY, 0);
            }
        }
        // Tags that are not asked for change nothing.
        if !all.depends_on_tags(&key, size, stored) {
            prop_assert_eq!(due, all.expiry(&key, size, stored, None));
        }
        for now in [stored.0, stored.0 + 3 * DAY, stored.0 + 500 * DAY].map(Timestamp) {
            if !all.awaits_tags(&key, size, stored, now) {
                let blind = all.expiry(&key, size, stored, None);
                let goes = |due: Option<Due<'_>>| due.is_some_and(|due| due.at <= now);
                prop_assert_eq!(goes(due), goes(blind));
            }
        }
    }

    #[test]
    fn no_age_overflows(stored in any::<i64>(), days in any::<u32>()) {
        let rules = Lifecycle { rules: vec![rule("r", "", Expiration::Days(days))] };
        prop_assert!(rules.expiry("k", 0, Timestamp(stored), None).is_some());
    }
}
