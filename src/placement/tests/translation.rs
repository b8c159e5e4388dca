//! Objects whose tag and time clients know otherwise than the upstream.

use super::World;
use super::world::{content, path};
use crate::object::{
    ConditionHeader, ETag, ETagMatch, ListEntry, ListQuery, RangeSpec, ReadConditions, Timestamp,
    WriteCondition,
};
use crate::placement::Mode;
use crate::placement::location::{Location, Remote, Truth};
use crate::store::{CopyRequest, DeleteRequest, GetRequest, Objects as _, Selection, StoreError};

const SHOWN: &str = "11111111111111111111111111111111-2";
const TIME: Timestamp = Timestamp(1_600_000_000_000);

/// An object that is upstream under a tag and a time of its own.
async fn world(mode: Mode) -> (World, ETag) {
    let world = World::new(mode).await;
    let there = World::plant(&world.there, "a", &content("0123456789")).await;
    let remote = Remote {
        bucket: "real-bucket".to_owned(),
        key: "prefix/a".to_owned(),
        etag: ETag::parse(SHOWN),
        upstream_etag: there.clone(),
        size: 10,
        last_modified: TIME,
        asked: false,
    };
    let record = Location {
        truth: Truth::Remote,
        todo: None,
        remote: Some(remote),
        updated_at: TIME,
        kept: false,
    };
    world.set_record("a", &record).await;
    (world, there)
}

fn tags(tag: &str) -> ETagMatch {
    ETagMatch::parse(tag)
}

fn on(conditions: ReadConditions) -> GetRequest {
    let selection = Selection::Range(RangeSpec::Closed { first: 2, last: 4 });
    GetRequest { conditions, selection, version: None, key: None }
}

#[tokio::test]
async fn answers_show_what_clients_know() {
    for mode in [Mode::Local, Mode::Upstream, Mode::Fallback] {
        let (world, _) = world(mode).await;
        let shown = |etag: &ETag, time: Timestamp| {
            assert_eq!((etag.as_str(), time), (SHOWN, TIME), "{mode:?}");
        };
        let head = world.placement.head_object(&path("a"), &GetRequest::default()).await.unwrap();
        shown(&head.object.etag, head.object.last_modified);
        let got = world.got("a").await.unwrap();
        shown(&got.head.object.etag, got.head.object.last_modified);
        let page = world.list(&ListQuery { limit: 5, ..ListQuery::default() }).await.unwrap();
        let [ListEntry::Object { etag, last_modified, size: 10, .. }] = page.entries.as_slice()
        else {
            panic!("{page:?}")
        };
        shown(etag, *last_modified);
    }
}

#[tokio::test]
async fn conditions_of_reads_are_about_what_clients_know() {
    for mode in [Mode::Local, Mode::Upstream, Mode::Fallback] {
        let (world, there) = world(mode).await;
        let none = ReadConditions::default();
        let earlier = Timestamp(TIME.0 - 1000);
        for (conditions, failed) in [
            (ReadConditions { if_match: Some(tags(SHOWN)), ..none.clone() }, None),
            (
                ReadConditions { if_match: Some(tags(there.as_str())), ..none.clone() },
                Some(ConditionHeader::IfMatch),
            ),
            (
                ReadConditions { if_none_match: Some(tags(SHOWN)), ..none.clone() },
                Some(ConditionHeader::IfNoneMatch),
            ),
            (ReadConditions { if_none_match: Some(tags(there.as_str())), ..none.clone() }, None),
            (ReadConditions { if_unmodified_since: Some(TIME), ..none.clone() }, None),
            (
                ReadConditions { if_unmodified_since: Some(earlier), ..none.clone() },
                Some(ConditionHeader::IfUnmodifiedSince),
            ),
            (
                ReadConditions { if_modified_since: Some(TIME), ..none.clone() },
                Some(ConditionHeader::IfNoneMatch),
            ),
            (ReadConditions { if_modified_since: Some(earlier), ..none.clone() }, None),
        ] {
            let got = world.placement.get_object(&path("a"), &on(conditions.clone())).await;
            let head = world.placement.head_object(&path("a"), &on(conditions.clone())).await;
            let context = format!("{mode:?} {conditions:?}");
            match failed {
                None => {
                    let got = got.expect(&context);
                    assert_eq!(got.head, head.expect(&context));
                    assert_eq!(got.head.object.etag.as_str(), SHOWN);
                    assert_eq!(got.body.collect(100).await.unwrap(), content("234"));
                }
                Some(ConditionHeader::IfNoneMatch) => {
                    for answer in [got.map(|_| ()), head.map(|_| ())] {
                        let Err(StoreError::NotModified { etag, last_modified, .. }) = answer
                        else {
                            panic!("{context}: {answer:?}")
                        };
                        assert_eq!((etag.as_str(), last_modified), (SHOWN, TIME));
                    }
                }
                Some(header) => {
                    for answer in [got.map(|_| ()), head.map(|_| ())] {
                        let Err(StoreError::PreconditionFailed(failed)) = answer else {
                            panic!("{context}: {answer:?}")
                        };
                        assert_eq!(failed, header, "{context}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn what_was_replaced_behind_the_gateways_back_is_shown_as_it_is() {
    for mode in [Mode::Upstream, Mode::Fallback] {
        let (world, _) = world(mode).await;
        let etag = World::plant(&world.there, "a", &content("replaced")).await;
        let conditions =
            ReadConditions { if_match: Some(tags(etag.as_str())), ..Default::default() };
        let request = GetRequest { conditions, ..GetRequest::default() };
        for request in [GetRequest::default(), request] {
            let got = world.placement.get_object(&path("a"), &request).await.unwrap();
            assert_eq!(got.head.object.etag, etag);
            assert_ne!(got.head.object.last_modified, TIME);
        }
        let conditions = ReadConditions { if_match: Some(tags(SHOWN)), ..Default::default() };
        let request = GetRequest { conditions, ..GetRequest::default() };
        let got = world.placement.get_object(&path("a"), &request).await;
        assert!(matches!(got, Err(StoreError::PreconditionFailed(_))), "{got:?}");
        let page = world.list(&ListQuery { limit: 5, ..ListQuery::default() }).await.unwrap();
        let [ListEntry::Object { etag: listed, .. }] = page.entries.as_slice() else {
            panic!("{page:?}")
        };
        assert_eq!(*listed, etag);
    }
}

#[tokio::test]
async fn conditions_of_writes_are_translated() {
    let matches = |tag: &str| Some(WriteCondition::Matches(ETagMatch::parse(tag)));
    for mode in [Mode::Local, Mode::Upstream, Mode::Fallback] {
        let (world, there) = world(mode).await;
        for condition in [matches(there.as_str()), matches("x"), Some(WriteCondition::Absent)] {
            let early = condition.clone().unwrap();
            let early = world.placement.check_condition(&path("a"), &early).await;
            assert!(matches!(early, Err(StoreError::PreconditionFailed(_))), "{early:?}");
            let put = world.put_if("a", &content("new"), condition.clone()).await;
            assert!(matches!(put, Err(StoreError::PreconditionFailed(_))), "{put:?}");
            if let Some(WriteCondition::Matches(_)) = condition {
                let request = DeleteRequest { version: None, condition };
                let deleted = world.placement.delete_object(&path("a"), &request).await;
                assert!(matches!(deleted, Err(StoreError::PreconditionFailed(_))), "{deleted:?}");
            }
        }
        assert_eq!(world.read("a").await.unwrap(), content("0123456789"));
        let shown = matches(&format!("x, \"{SHOWN}\""));
        let early = shown.clone().unwrap();
        world.placement.check_condition(&path("a"), &early).await.unwrap();
        world.put_if("a", &content("new"), shown).await.unwrap();
        assert_eq!(world.read("a").await.unwrap(), content("new"));
    }
}

#[tokio::test]
async fn deletes_by_the_tag_that_clients_know() {
    for mode in [Mode::Local, Mode::Upstream, Mode::Fallback] {
        let (world, _) = world(mode).await;
        let condition = Some(WriteCondition::Matches(ETagMatch::parse(SHOWN)));
        let request = DeleteRequest { version: None, condition };
        world.placement.delete_object(&path("a"), &request).await.unwrap();
        assert!(matches!(world.read("a").await, Err(StoreError::NoSuchKey)), "{mode:?}");
    }
}

#[tokio::test]
async fn copies_on_the_tag_that_clients_know() {
    for mode in [Mode::Local, Mode::Upstream, Mode::Fallback] {
        let (world, there) = world(mode).await;
        let copy = |source_conditions| CopyRequest {
            source_version: None,
            source_conditions,
            metadata: None,
            tags: None,
            checksum: None,
            condition: None,
            size_limit: 100,
            source_key: None,
            encryption: None,
            acl: None,
        };
        let bound = |tag: &str| ReadConditions { if_match: Some(tags(tag)), ..Default::default() };
        let request = copy(bound(there.as_str()));
        let copied = world.placement.copy_object(&path("a"), &path("b"), request).await;
        assert!(matches!(copied, Err(StoreError::PreconditionFailed(_))), "{copied:?}");
        let conditions = ReadConditions { if_unmodified_since: Some(TIME), ..bound(SHOWN) };
        let request = copy(conditions);
        world.placement.copy_object(&path("a"), &path("b"), request).await.unwrap();
        assert_eq!(world.read("b").await.unwrap(), content("0123456789"), "{mode:?}");
    }
}
