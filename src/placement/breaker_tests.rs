use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn start() -> Instant {
    Instant::from_std(std::time::Instant::now())
}

fn opened(now: Instant) -> Breaker {
    let mut breaker = Breaker::new(BreakerOptions::default(), now);
    assert_eq!(breaker.failed(Admission::Call, "one", now), Change::None);
    assert_eq!(breaker.failed(Admission::Call, "two", now), Change::None);
    assert_eq!(breaker.failed(Admission::Call, "three", now), Change::Opened);
    breaker
}

#[test]
fn failures_in_a_row_open_it_and_a_trial_closes_it() {
    let now = start();
    let mut breaker = opened(now);
    assert_eq!(breaker.admit(now), Admission::Refused);
    assert_eq!(breaker.cause(), "three");
    assert_eq!(breaker.trial_in(now), Some(SECOND));
    assert_eq!(breaker.admit(now + SECOND), Admission::Trial);
    assert_eq!(breaker.trial_in(now + SECOND), None);
    assert_eq!(breaker.admit(now + 9 * SECOND), Admission::Refused, "one trial at a time");
    let change = breaker.succeeded(Admission::Trial, now + 2 * SECOND);
    assert_eq!(change, Change::Closed(2 * SECOND));
    assert_eq!(breaker.admit(now + 2 * SECOND), Admission::Call);
    let snapshot = breaker.snapshot(now + 5 * SECOND);
    assert_eq!((snapshot.state, snapshot.since), (State::Closed, 3 * SECOND));
    assert_eq!(snapshot.last_error, Some(("three".to_owned(), 5 * SECOND)));
}

#[test]
fn a_success_between_failures_keeps_it_closed_until_most_of_many_fail() {
    let mut now = start();
    let mut breaker = Breaker::new(BreakerOptions::default(), now);
    let mut opened_after = None;
    for turn in 0..40 {
        now += SECOND / 10;
        let ok = turn % 3 == 0;
        let change = if ok {
            breaker.succeeded(Admission::Call, now)
        } else {
            breaker.failed(Admission::Call, "now and then", now)
        };
        if change == Change::Opened {
            opened_after = Some(turn + 1);
            break;
        }
    }
    assert_eq!(opened_after, Some(11), "two of three failed, of more than ten calls");
}

#[test]
fn half_of_the_calls_failing_is_not_enough_and_old_ones_are_forgotten() {
    let mut now = start();
    let mut breaker = Breaker::new(BreakerOptions::default(), now);
    for _ in 0..100 {
        now += SECOND;
        assert_eq!(breaker.succeeded(Admission::Call, now), Change::None);
        assert_eq!(breaker.failed(Admission::Call, "half", now), Change::None);
    }
    assert!(breaker.recent.len() <= 2 * 31);
}

#[test]
fn the_pause_doubles_up_to_its_bound_and_starts_anew_after_a_good_while() {
    let mut now = start();
    let mut breaker = opened(now);
    let mut pauses = Vec::new();
    for _ in 0..4 {
        let pause = breaker.trial_in(now).unwrap();
        pauses.push(pause.as_secs());
        now += pause;
        assert_eq!(breaker.admit(now), Admission::Trial);
        assert_eq!(breaker.failed(Admission::Trial, "still", now), Change::None);
    }
    assert_eq!(pauses, [1, 2, 3, 3]);
    assert_eq!(breaker.snapshot(now).since, 9 * SECOND, "since it opened, not since the trial");
    now += 3 * SECOND;
    assert_eq!(breaker.admit(now), Admission::Trial);
    assert_eq!(breaker.succeeded(Admission::Trial, now), Change::Closed(12 * SECOND));
    for (later, pause) in [(SECOND, 3), (2 * RELAPSE, 1)] {
        now += later;
        for _ in 0..3 {
            breaker.failed(Admission::Call, "again", now);
        }
        assert_eq!(breaker.trial_in(now), Some(pause * SECOND));
        now += 3 * SECOND;
        assert_eq!(breaker.admit(now), Admission::Trial);
        breaker.succeeded(Admission::Trial, now);
    }
}

#[test]
fn a_dropped_trial_makes_room_for_the_next() {
    let now = start();
    let mut breaker = opened(now);
    assert_eq!(breaker.admit(now + SECOND), Admission::Trial);
    breaker.abandoned(Admission::Trial, now + SECOND);
    assert_eq!(breaker.admit(now + SECOND), Admission::Trial);
}

#[test]
fn outcomes_of_calls_from_before_it_opened_change_nothing() {
    let now = start();
    let mut breaker = opened(now);
    assert_eq!(breaker.succeeded(Admission::Call, now), Change::None);
    assert_eq!(breaker.failed(Admission::Call, "late", now), Change::None);
    assert_eq!(breaker.trial_in(now), Some(SECOND));
    assert_eq!(breaker.admit(now + SECOND), Admission::Trial);
    breaker.abandoned(Admission::Call, now + SECOND);
    assert_eq!(breaker.succeeded(Admission::Call, now + SECOND), Change::None);
    assert_eq!(breaker.snapshot(now + SECOND).state, State::HalfOpen);
}

proptest! {
    /// Whatever happens: never two trials at once, never refused for longer than the bound
    /// without a trial being due, and a good trial always closes it.
    #[test]
    fn it_always_finds_back(steps in proptest::collection::vec((0u8..4, 0u64..4000), 1..200)) {
        let mut now = start();
        let mut breaker = Breaker::new(BreakerOptions::default(), now);
        let mut trial = false;
        for (step, millis) in steps {
            now += Duration::from_millis(millis);
            let admission = if trial { Admission::Trial } else { breaker.admit(now) };
            prop_assert!(!trial || breaker.admit(now) == Admission::Refused);
            trial = admission == Admission::Trial;
            if admission == Admission::Refused {
                prop_assert!(breaker.trial_in(now).unwrap() <= 3 * SECOND);
                continue;
            }
            match step {
                0 => {
                    breaker.succeeded(admission, now);
                    prop_assert_eq!(breaker.snapshot(now).state, State::Closed);
                }
                1 => drop(breaker.failed(admission, "no", now)),
                2 => breaker.abandoned(admission, now),
                // A trial that goes on.
                _ => continue,
            }
            trial = false;
        }
    }
}
