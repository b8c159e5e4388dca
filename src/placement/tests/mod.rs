//! Two layers in memory, placed in every mode.

mod acls;
mod broken_disk;
mod buckets;
mod clients;
mod conformance;
mod copies;
mod encryption;
pub(crate) mod flaky;
pub(crate) mod freely;
mod given_up;
mod histories;
mod listing;
mod outage;
mod switching;
mod translation;
mod uploads;
pub(crate) mod world;

use world::World;
