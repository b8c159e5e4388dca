//! Why a bucket's requests were refused lately.
//!
//! Answers to HEAD have no document that says why they refuse. What another request was refused
//! for with the same status a moment ago is the reason that is named instead of a guess. It decides
//! words alone: those are errors of the same kind with and without it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::answer::Answer;

/// For how long a reason holds.
const HOLDS: Duration = Duration::from_mins(1);

/// How many are remembered.
const KEPT: usize = 100;

/// The last reason of each bucket and status.
#[derive(Debug, Default)]
pub(super) struct Reasons(Mutex<HashMap<(String, u16), (Instant, Answer)>>);

impl Reasons {
    /// The bucket's requests are refused with this answer.
    pub(super) fn note(&self, bucket: &str, answer: &Answer) {
        let mut reasons = self.lock();
        if reasons.len() >= KEPT {
            reasons.clear();
        }
        let place = (bucket.to_owned(), answer.status);
        reasons.insert(place, (Instant::now(), answer.clone()));
    }

    /// The reason of a refusal that does not say it.
    pub(super) fn of(&self, bucket: &str, status: u16) -> Option<Answer> {
        let reasons = self.lock();
        let (at, answer) = reasons.get(&(bucket.to_owned(), status))?;
        (at.elapsed() < HOLDS).then(|| answer.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, u16), (Instant, Answer)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reason_holds_for_its_bucket_and_status_and_for_a_while() {
        let reasons = Reasons::default();
        let answer = Answer::told(403, Some("SignatureDoesNotMatch"), "");
        reasons.note("b", &answer);
        assert_eq!(reasons.of("b", 403), Some(answer));
        assert_eq!((reasons.of("b", 400), reasons.of("c", 403)), (None, None));
        tokio::time::advance(HOLDS).await;
        assert_eq!(reasons.of("b", 403), None);
    }
}
