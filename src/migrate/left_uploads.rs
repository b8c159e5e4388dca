//! Uploads that migrations began, by what their journals say.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::Migrations;
use super::journal::Entry;
use crate::placement::transfer::Direction;

impl Migrations {
    /// Whether any migration to `direction` that is over began an upload there.
    pub async fn began_uploads(&self, direction: Direction) -> io::Result<bool> {
        for job in self.over(direction) {
            let mut entries = job.journal.entries(0);
            while let Some(entry) = entries.next::<Entry>().await? {
                if matches!(entry, Entry::Upload { .. }) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Which of these uploads migrations to `direction` began that are over, with the migration of
    /// each: nobody will finish them.
    pub async fn left_uploads(
        &self,
        direction: Direction,
        among: &BTreeSet<String>,
    ) -> io::Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        if among.is_empty() {
            return Ok(found);
        }
        for job in self.over(direction) {
            let mut entries = job.journal.entries(0);
            while let Some(entry) = entries.next::<Entry>().await? {
                if let Entry::Upload { id, .. } = entry
                    && among.contains(&id)
                {
                    found.insert(id, job.id.clone());
                }
            }
        }
        Ok(found)
    }
}
