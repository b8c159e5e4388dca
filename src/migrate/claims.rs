//! Objects that work of another kind has to do with: no migration has, for as long as it goes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Migrations;
use super::orders::{Refusal, RefusalKind};
use super::spec::Filter;

/// Whose claims hold.
#[derive(Debug, Default)]
pub(super) struct Claims {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// How many there ever were.
    count: u64,
    /// By a number of each: who it is, and which objects.
    claims: BTreeMap<u64, (String, Filter)>,
}

/// A claim, which holds until it is dropped.
pub struct Claim {
    claims: Arc<Claims>,
    number: u64,
}

impl Claims {
    /// Who has to do with some of these objects, if anyone.
    pub(super) fn holder(&self, filter: &Filter) -> Option<String> {
        let held = self.held();
        let mut all = held.claims.values();
        all.find(|(_, other)| other.overlaps(filter)).map(|(holder, _)| holder.clone())
    }

    fn take(self: &Arc<Self>, holder: String, filter: Filter) -> Claim {
        let mut held = self.held();
        held.count += 1;
        let number = held.count;
        held.claims.insert(number, (holder, filter));
        Claim { claims: Arc::clone(self), number }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.held().claims.remove(&self.number);
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Migrations {
    /// Keeps migrations off these objects until the claim is dropped. Refused where one has to do
    /// with some of them. `holder` is who is named to those that are refused meanwhile.
    pub async fn claim(&self, holder: String, filter: Filter) -> Result<Claim, Refusal> {
        let _ordering = self.ordering().lock().await;
        self.check_alone(&filter, None)?;
        Ok(self.claims().take(holder, filter))
    }

    /// Whether nobody else has to do with the same objects. To be asked, and acted upon, under the
    /// lock of ordering.
    pub(super) fn check_alone(&self, filter: &Filter, own: Option<&str>) -> Result<(), Refusal> {
        let others = self.active();
        let mut others = others.iter().filter(|job| own != Some(job.id.as_str()));
        if let Some(other) = others.find(|job| job.look(|it| it.spec.filter.overlaps(filter))) {
            let (id, state) = (&other.id, other.look(|board| board.state));
            let message =
                format!("the migration {id}, which is {state}, has to do with the same objects");
            return Err(Refusal::new(RefusalKind::Conflict, "OverlappingMigration", message));
        }
        if let Some(holder) = self.claims().holder(filter) {
            let message = format!("{holder} has to do with the same objects");
            return Err(Refusal::new(RefusalKind::Conflict, "OverlappingJob", message));
        }
        Ok(())
    }
}
