//! Two layers in memory, placed in every mode.

mod behaviour;
mod conformance;
mod flaky;
mod histories;
mod listing;
mod outage;
mod world;

pub(in crate::placement) use world::{World, content, key, path};
