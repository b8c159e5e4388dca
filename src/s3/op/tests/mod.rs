//! The operations against a store in memory, a file for each group.

mod attributes;
mod completion;
mod copy;
mod delete_objects;
mod encryption;
mod listing;
mod multipart;
mod tagging;
mod versions;
