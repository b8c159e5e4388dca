//! How long an index takes to load and to open. Measurements: run by hand, in release.

use std::time::Instant;

use super::super::key::{self, BucketId};
use super::super::{Index, IndexHome, SledHome, TreeId};
use crate::store::local::vfs::RealVfs;

/// Keys of a usual length in the order of a listing.
fn key_of(number: u64) -> Vec<u8> {
    let day = number / 3000;
    let text = format!("attachments/invoice/company_17/{day:06}/{number:012}_ab12cd34_receipt.pdf");
    key::current(BucketId(1), &text)
}
