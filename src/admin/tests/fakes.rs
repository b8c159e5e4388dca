//! What the side API asks, with answers that are known.

use super::*;

pub(super) struct FakeDisk(pub(super) DiskState);

#[async_trait]
impl Disk for FakeDisk {
    fn state(&self) -> DiskState {
        self.0.clone()
    }

    fn space(&self) -> Option<Space> {
        Some(Space { free: 40, total: 100 })
    }

    fn usage(&self, bucket: &BucketName) -> Option<Usage> {
        (bucket.as_str() != "plain").then_some(Usage { objects: 2, bytes: 10 })
    }

    fn split(&self, _: &BucketName) -> Option<SplitUsage> {
        None
    }

    async fn recount(&self, _: &BucketName) -> Result<Recounted, StoreError> {
        Err(StoreError::Closing)
    }

    async fn set_aside(&self) -> Result<Vec<(String, u64)>, StoreError> {
        Ok(Vec::new())
    }

    async fn remove_set_aside(&self, _: &str) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn master_keys(&self) -> KeysInUse {
        let in_use = vec!["2026-05".to_owned(), "2026-11".to_owned()];
        KeysInUse { active: Some("2026-11".to_owned()), known: in_use.clone(), in_use }
    }

    async fn log(&self) -> Option<LogUsage> {
        Some(LogUsage { segments: 2, bytes: 90, records: 70, living: 30 })
    }

    async fn compact(&self, _: &mut Compaction) -> Result<Compacted, StoreError> {
        Ok(Compacted::Done)
    }

    fn has(&self, bucket: &BucketName) -> Option<bool> {
        let known = self.0 == DiskState::Ready;
        known.then(|| bucket.as_str() != "attachments")
    }
}

/// Permissions that are there but for the ones named.
pub(in crate::admin) struct FakeTrials {
    missing: Vec<&'static str>,
    last: Mutex<Option<(Timestamp, Vec<Trial>)>>,
}

impl FakeTrials {
    pub(in crate::admin) fn without(missing: &[&'static str]) -> Arc<Self> {
        Arc::new(Self { missing: missing.to_vec(), last: Mutex::default() })
    }
}

#[async_trait]
impl Trials for FakeTrials {
    async fn run(&self) -> Vec<Trial> {
        let check = |ability: Ability| {
            let ok = !self.missing.contains(&ability.name());
            let verdict = if ok { "works" } else { "AccessDenied" };
            let verdict = format!("{verdict} on {}", ability.name());
            let latency = Duration::from_micros(1500);
            Check { ability, ok, latency, verdict, left_behind: None }
        };
        let tried = [Ability::Head, Ability::List, Ability::Put, Ability::Tags];
        let checks = tried.map(check).to_vec();
        let denied = checks.iter().filter(|check| !check.ok);
        let faults = denied
            .map(|check| Complaint { what: check.verdict.clone(), abilities: vec![check.ability] });
        let faults = faults.collect();
        let trial = Trial { bucket: "there".into(), prefix: "p/".into(), checks, faults };
        let trials = vec![trial];
        *self.last.lock().expect("unpoisoned") = Some((START, trials.clone()));
        trials
    }

    fn last(&self) -> Option<(Timestamp, Vec<Trial>)> {
        self.last.lock().expect("unpoisoned").clone()
    }
}

pub(super) struct FakeUrls;

#[async_trait]
impl Presigner for FakeUrls {
    async fn presigned_get(&self, at: &ObjectPath, _: Duration) -> Result<String, StoreError> {
        Ok(format!("http://there/{}?signed", at.key.as_str()))
    }
}
