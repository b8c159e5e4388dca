//! Objects that are moved in the middle of a history: nobody may notice.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::{FutureExt as _, LocalBoxFuture};

use super::History;
use super::script::{How, Op};
use crate::placement::tests::freely::Freely;
use crate::placement::tests::world::path;
use crate::placement::transfer::Order;
use crate::store::Ledger as _;

impl History {
    pub(super) async fn moved(
        &mut self,
        key: &'static str,
        how: How,
        during: Option<(usize, &Op)>,
    ) {
        let (transfers, steps) = (self.placement.transfers(), Freely::default());
        let order = Order {
            at: path(key),
            direction: how.direction,
            expected: None,
            exact: false,
            only_upstream: None,
            again: how.again,
            keep_source: how.keep,
            read_back: how.again,
        };
        let mut moving = async {
            let done = transfers.carry_out(&order, &steps).await;
            if how.abandon && done.is_err() {
                let _ = transfers.abandon(&order, &steps).await;
            }
            done
        }
        .boxed_local();
        let (home, at) = (Arc::clone(&self.home), path(key));
        self.acknowledged.clear();
        let (mut done, mut by_client) = (None, None);
        if let Some((turns, op)) = during {
            for _ in 0..turns {
                let turn = poll_fn(|cx| Poll::Ready(moving.poll_unpin(cx))).await;
                if let Poll::Ready(outcome) = turn {
                    done = Some(outcome);
                    break;
                }
            }
            let writing: LocalBoxFuture<'_, ()> = Box::pin(self.apply(op));
            let writing = async {
                writing.await;
                home.entry(&at).await.unwrap()
            };
            if done.is_some() {
                by_client = writing.await;
            } else {
                // The client's write may wait for the move, or the move for it.
                let (outcome, record) = tokio::join!(&mut moving, writing);
                (done, by_client) = (Some(outcome), record);
            }
        } else {
            done = self.run(async { Ok(moving.await) }).await.and_then(Result::ok);
        }
        self.log.push(format!("  {key} moved: {done:?}"));
        if matches!(done, Some(Err(_))) && !how.abandon {
            let by_client = by_client.filter(|_| self.acknowledged.contains(key));
            let left =
                home.entry(&at).await.unwrap().filter(|left| Some(left) != by_client.as_ref());
            self.moving.extend(left.map(|left| (key, left)));
        }
    }
}
