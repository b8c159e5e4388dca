use super::*;
use crate::store::local::format::counts::Amount;

fn counted(away: bool, size: u64, month: u16) -> Counted {
    Counted { away, amount: Amount { size, month: Month::from_number(month) } }
}

fn template() -> KeyTemplate {
    KeyTemplate::parse("{company}/{type}/{*}").unwrap()
}

fn split() -> Split {
    let mut split = Split::empty(Some(template()));
    for (key, before, after) in [
        ("a/x/1", None, Some(counted(false, 10, 5))),
        ("a/x/2", None, Some(counted(false, 20, 5))),
        ("a/x/2", Some(counted(false, 20, 5)), Some(counted(true, 20, 5))),
        ("a/y/1", None, Some(counted(false, 1, 6))),
        ("a/y/1", Some(counted(false, 1, 6)), None),
        ("unknown", None, Some(counted(false, 7, 7))),
    ] {
        split.apply(key, Shift { before, after }, (None, None));
    }
    split
}

fn shown(rows: &Rows) -> Vec<(String, bool, u16, u64, u64)> {
    let row = |(class, usage): (Class, Usage)| {
        (class.pair, class.away, class.month.number(), usage.objects, usage.bytes)
    };
    rows.iter().map(row).collect()
}

#[test]
fn objects_are_counted_by_class_and_nothing_is_kept_of_none() {
    let expected = [("/", false, 7, 1, 7), ("a/x", false, 5, 1, 10), ("a/x", true, 5, 1, 20)]
        .map(|(pair, away, month, objects, bytes)| (pair.to_owned(), away, month, objects, bytes));
    assert_eq!(shown(&split().rows), expected);
}

#[test]
fn what_is_saved_is_read_whatever_the_state() {
    for state in [State::Exact, State::Frozen(None), State::Frozen(Some(Timestamp(1_000)))] {
        for template in [None, Some(template())] {
            let saved = Split { template, state, ..split() };
            let mut read = None;
            for (class, usage) in saved.saved() {
                assert!(Split::read(&mut read, &class, usage), "{class}");
            }
            assert_eq!(read, Some(saved));
        }
    }
    let mut none = None;
    assert!(!Split::read(&mut none, "", Usage::default()));
    assert!(!Split::read(&mut none, "ledger/5", Usage::default()));
    assert_eq!(none, None);
}

#[test]
fn a_template_that_cannot_be_read_any_more_is_not_believed() {
    let mut read = None;
    Split::read(&mut read, "template/{what}", Usage::default());
    assert_eq!(read.unwrap().state, State::Frozen(None));
}

#[test]
fn another_template_stops_the_rows_and_the_same_one_does_not() {
    let mut split = split();
    split.begin(Some(template()), Timestamp(5));
    assert_eq!(split.state, State::Exact);
    split.begin(None, Timestamp(5));
    assert_eq!(split.state, State::Frozen(Some(Timestamp(5))));
    let before = shown(&split.rows);
    let shift = Shift { before: None, after: Some(counted(false, 3, 3)) };
    split.apply("b/x/1", shift, (Some(3), None));
    assert_eq!(shown(&split.rows), before);
    // Nothing is counted yet of what the recount has not come to.
    assert_eq!(split.fresh.as_ref().unwrap().here, Usage::default());
    split.fresh.as_mut().unwrap().cursor = Some("c".to_owned());
    split.apply("b/x/1", shift, (Some(3), None));
    split.apply("c/x/1", shift, (Some(3), None));
    assert_eq!(split.finish().unwrap().0, State::Frozen(Some(Timestamp(5))));
    assert_eq!(shown(&split.rows), [("/".to_owned(), false, 3, 1, 3)]);
    assert_eq!((split.state, split.template), (State::Exact, None));
}

#[test]
fn pairs_beyond_the_limit_are_counted_together() {
    let mut rows = Rows::default();
    let template = template();
    for number in 0..PAIRS + 2 {
        let shift = Shift { before: None, after: Some(counted(false, 1, 1)) };
        rows.shift(Some(&template), &format!("{number}/t/x"), shift);
    }
    let sum: u64 = rows.iter().map(|(_, usage)| usage.objects).sum();
    assert_eq!(sum, PAIRS as u64 + 2);
    let others = rows.iter().find(|(class, _)| class.pair == OTHERS).unwrap();
    assert_eq!(others.1, Usage { objects: 2, bytes: 2 });
    let gone = Shift { before: Some(counted(false, 1, 1)), after: None };
    rows.shift(Some(&template), &format!("{PAIRS}/t/x"), gone);
    rows.shift(Some(&template), "0/t/x", gone);
    let others = rows.iter().find(|(class, _)| class.pair == OTHERS).unwrap();
    assert_eq!(others.1.objects, 1);
    assert!(!rows.iter().any(|(class, _)| class.pair == "0/t"));
}
