//! Jobs step by step, ended before their time, and remembered from before.

use super::*;
use crate::object::ManualClock;

struct Counting(u64, Option<u64>);

#[async_trait]
impl Job for Counting {
    async fn step(&mut self) -> Result<bool, String> {
        self.0 += 1;
        if Some(self.0) == self.1 { Err("it broke".to_owned()) } else { Ok(self.0 < 3) }
    }

    fn shown(&self) -> Value {
        json!({ "counted": self.0 })
    }

    async fn ended(&mut self, _: JobState, _: Option<&str>, _: Timestamp) {}
}

#[tokio::test]
async fn jobs_are_done_step_by_step_and_told_of() {
    let jobs = Arc::new(Jobs::new(Arc::new(ManualClock::new(Timestamp(0)))));
    let mut worker = jobs.worker();
    assert_eq!(worker.step().await, Next::After(IDLE));
    let one = jobs.begin("one", Box::new(Counting(0, None))).expect("begun");
    let two = jobs.begin("two", Box::new(Counting(0, Some(2)))).expect("begun");
    let fault = jobs.begin("one", Box::new(Counting(0, None))).expect_err("it goes on");
    assert_eq!(fault.status, StatusCode::CONFLICT);
    assert!(fault.message.contains(&one.id), "{}", fault.message);
    assert_eq!(worker.step().await, Next::Now);
    let told = jobs.find("one", &one.id).expect("known").json();
    assert_eq!((&told["state"], &told["counted"]), (&json!("running"), &json!(1)));
    while worker.step().await == Next::Now {}
    let told = jobs.find("one", &one.id).expect("known").json();
    assert_eq!((&told["state"], &told["counted"]), (&json!("done"), &json!(3)));
    let told = jobs.find("two", &two.id).expect("known").json();
    assert_eq!((&told["state"], &told["error"]), (&json!("failed"), &json!("it broke")));
    assert_eq!(jobs.find("one", &two.id).expect_err("another kind").status.as_u16(), 404);
    for _ in 0..30 {
        jobs.begin("one", Box::new(Counting(2, None))).expect("begun");
        while worker.step().await == Next::Now {}
    }
    assert!(jobs.all("one").len() <= REMEMBERED);
    assert!(jobs.find("one", &one.id).is_err(), "forgotten");
}

struct Endless(u64);

#[async_trait]
impl Job for Endless {
    async fn step(&mut self) -> Result<bool, String> {
        if self.0 > 0 {
            std::future::pending::<()>().await;
        }
        self.0 += 1;
        Ok(true)
    }

    fn shown(&self) -> Value {
        json!({ "counted": self.0 })
    }

    async fn ended(&mut self, _: JobState, _: Option<&str>, _: Timestamp) {}
}

#[tokio::test]
async fn a_job_is_ended_between_its_steps_and_within_one() {
    let jobs = Arc::new(Jobs::new(Arc::new(ManualClock::new(Timestamp(0)))));
    let mut worker = jobs.worker();
    for steps in [0, 1] {
        let told = jobs.begin("one", Box::new(Endless(0))).expect("begun");
        for _ in 0..steps {
            assert_eq!(worker.step().await, Next::Now);
        }
        assert_eq!(jobs.cancel("two", &told.id).expect_err("another kind").status, 404);
        let (ended, asked) = tokio::join!(worker.step(), async {
            tokio::task::yield_now().await;
            jobs.cancel("one", &told.id)
        });
        assert_eq!((ended, asked.is_ok()), (Next::Now, true));
        while worker.step().await == Next::Now {}
        let shown = jobs.find("one", &told.id).expect("known").json();
        assert_eq!((&shown["state"], &shown["counted"]), (&json!("cancelled"), &json!(1)));
        assert_eq!(jobs.cancel("one", &told.id).expect_err("over").status, 409);
    }
}
