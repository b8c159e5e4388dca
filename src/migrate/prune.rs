//! Which migrations are forgotten, and when: plans that were never run and migrations that are
//! over, beyond a number or an age.
//!
//! The journal goes first: whatever else is left of a migration without one is removed with the
//! next start.

use std::collections::BTreeSet;

use super::Migrations;
use super::planner::{manifest_name, plan_name};
use super::spec::List;

/// How many plans that were never run are kept.
pub(crate) const PLANS: usize = 50;
/// How many migrations that are over are kept.
pub(crate) const OVER: usize = 100;
/// For how many milliseconds they are, at most.
const AGE: i64 = 90 * 86_400_000;

impl Migrations {
    /// Forgets what is beyond the bounds. What another one still has to read stays, and while
    /// something is being ordered, everything.
    pub(super) async fn prune(&self) {
        let Ok(_ordering) = self.ordering.try_lock() else { return };
        let now = self.context().clock.now();
        let (mut plans, mut over) = (Vec::new(), Vec::new());
        let mut wanted = BTreeSet::new();
        for (id, job) in &*self.jobs() {
            let active = job.is_active();
            job.look(|board| {
                if let (true, Some(List::FailedOf(other))) = (active, &board.spec.filter.list) {
                    wanted.insert(other.clone());
                }
                let age = now.0.saturating_sub(board.changed.0);
                match (board.ordered, !active && board.state.is_over()) {
                    (false, _) => plans.push((id.clone(), age)),
                    (true, true) => over.push((id.clone(), age)),
                    (true, false) => {}
                }
            });
        }
        for id in beyond(&plans, PLANS).chain(beyond(&over, OVER)) {
            if wanted.contains(id) {
                continue;
            }
            tracing::info!(migration = id, "a migration that is over is forgotten");
            self.jobs().remove(id);
            self.forget(id).await;
        }
    }

    /// Removes the files of a migration.
    pub(super) async fn forget(&self, id: &str) {
        for name in [format!("{id}.journal"), plan_name(id), manifest_name(id)] {
            if let Err(error) = self.context().shelf.remove(&name).await {
                tracing::warn!(file = name, %error, "a file of a migration stays");
            }
        }
    }
}

/// Those that are too many or too old, of the oldest first.
pub(crate) fn beyond(kept: &[(String, i64)], most: usize) -> impl Iterator<Item = &str> {
    let excess = kept.len().saturating_sub(most);
    let beyond = kept.iter().enumerate().filter(move |(at, (_, age))| *at < excess || *age > AGE);
    beyond.map(|(_, (id, _))| id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_and_whatever_is_too_old() {
        let kept: Vec<_> = [AGE + 1, 5, AGE, AGE + 1, 0]
            .into_iter()
            .enumerate()
            .map(|(id, age)| (id.to_string(), age))
            .collect();
        assert_eq!(beyond(&kept, 5).collect::<Vec<_>>(), ["0", "3"]);
        assert_eq!(beyond(&kept, 2).collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    }
}
