//! The functions that every store passes.
//!
//! They check the contract of `store` through its traits alone, and panic where it is broken.
//! They are compiled into the library so that every layer's tests, here and in `tests/`, run
//! them: [`all`] one after the other, each on a store of its own; [`settings::all`] where the layer
//! keeps settings of buckets too, [`ledger::all`] and [`holding::all`] where it keeps a ledger and
//! bodies, [`encryption::all`] where it encrypts, [`acls::all`] where it keeps any ACL. Nothing in them
//! knows which store it has before it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken contract is shown by a panic: these are tests"
)]

/// Asserts that a call was refused with one of these errors.
macro_rules! refused {
    ($call:expr, $error:pat $(if $guard:expr)? $(,)?) => {
        match $call {
            Err($error) $(if $guard)? => {}
            other => panic!("expected {}, got {other:?}", stringify!($error $(if $guard)?)),
        }
    };
}

pub mod acls;
pub mod buckets;
pub mod concurrency;
pub mod conditions;
pub mod copies;
pub mod encryption;
pub mod holding;
pub mod ledger;
pub mod listing;
pub mod multipart;
pub mod objects;
pub mod ranges;
pub mod settings;
mod subject;
pub mod tags;
pub mod uploads;

use std::future::Future;

pub use subject::{Subject, abandoned, body, content, failing, unsized_body};

/// Runs every function, each on a store that `make` makes new.
pub async fn all<F, Fut>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Subject>,
{
    macro_rules! each {
        ($($case:path),+ $(,)?) => { $( $case(&make().await).await; )+ };
    }
    each!(
        buckets::life_of_a_bucket,
        buckets::nothing_without_a_bucket,
        buckets::only_empty_ones_go,
        buckets::a_new_one_is_empty,
        buckets::pages,
        objects::what_is_put_is_got,
        objects::the_head_says_all,
        objects::overwriting_replaces_all,
        objects::deleting,
        objects::any_text_is_a_key,
        objects::versions_without_versioning,
        objects::a_broken_body_stores_nothing,
        objects::an_abandoned_put_stores_nothing,
        conditions::reads,
        conditions::writes,
        conditions::deletes,
        ranges::ranges,
        ranges::parts_of_a_single_put,
        ranges::parts_of_many,
        copies::copies,
        copies::replaced_parts_of_a_copy,
        copies::conditions,
        copies::refusals,
        copies::onto_itself,
        listing::objects,
        listing::versions,
        listing::entries,
        listing::follows_writes,
        tags::objects,
        tags::buckets,
        multipart::an_upload_becomes_an_object,
        multipart::composite_checksums,
        multipart::full_object_checksums,
        multipart::refused_completions,
        multipart::repeated_completions,
        multipart::conditional_completions,
        multipart::parts_are_replaced,
        multipart::broken_parts_are_not_stored,
        multipart::copied_parts,
        multipart::refused_part_copies,
        uploads::unknown_ones,
        uploads::invisible_until_completed,
        uploads::pages_of_uploads,
        uploads::pages_of_parts,
        uploads::aborted_and_expired,
        concurrency::one_creator_wins,
        concurrency::one_editor_wins,
        concurrency::readers_keep_what_they_opened,
        concurrency::writers_never_mix,
        concurrency::completions_agree,
        concurrency::parts_arrive_together,
    );
}
