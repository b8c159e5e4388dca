//! Calls that are carried to their end once they have begun to change a key, whoever still waits.
//!
//! A client that goes away drops the future that serves it. What the local layer had already taken
//! in would then happen after the key's lock was given back, and a record would change without the
//! spool hearing of it. So such calls run as tasks of their own: until a key is locked for a
//! change they end with their caller, from then on they do not.

use std::sync::{Arc, OnceLock};

use tokio::task::AbortHandle;

use crate::store::{Result, StoreError};

tokio::task_local! {
    static STAGE: Arc<Stage>;
}

/// Whether a call has begun, or its caller has left before: whichever came first.
#[derive(Default)]
struct Stage(OnceLock<bool>);

impl Stage {
    /// Whether the call may go on.
    fn begin(&self) -> bool {
        *self.0.get_or_init(|| true)
    }

    /// Whether the call ends here.
    fn leave(&self) -> bool {
        !*self.0.get_or_init(|| false)
    }
}

/// A caller. Dropped, it takes the call with it where that has not begun.
struct Caller {
    stage: Arc<Stage>,
    call: AbortHandle,
}

impl Drop for Caller {
    fn drop(&mut self) {
        if self.stage.leave() {
            self.call.abort();
        }
    }
}

/// Makes a call that is not given up any more after [`begun`].
pub(super) async fn carried<T: Send + 'static>(
    call: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let stage = Arc::new(Stage::default());
    let task = tokio::spawn(STAGE.scope(Arc::clone(&stage), call));
    let _caller = Caller { stage, call: task.abort_handle() };
    task.await.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // The runtime ends.
        Err(_) => Err(StoreError::Closing),
    })
}

/// The call that this is part of begins to change something. Where its caller has left already,
/// it goes no further.
pub(super) async fn begun() {
    if !STAGE.try_with(|stage| stage.begin()).unwrap_or(true) {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_call_ends_with_its_caller_until_it_has_begun() {
        for begins in [false, true] {
            let (reached, reaching) = oneshot::channel();
            let (let_go, going) = oneshot::channel::<()>();
            let (end, ended) = oneshot::channel();
            let call = carried(async move {
                if begins {
                    begun().await;
                }
                reached.send(()).unwrap();
                going.await.unwrap();
                begun().await;
                end.send(()).unwrap();
                Ok(())
            });
            tokio::select! {
                biased;
                _ = call => unreachable!("it waits"),
                reached = reaching => reached.unwrap(),
            }
            // Nobody listens any more where the call was given up.
            let _ = let_go.send(());
            assert_eq!(ended.await.is_ok(), begins);
        }
    }

    #[tokio::test]
    async fn a_panic_is_the_callers() {
        let call = tokio::spawn(carried::<()>(async { panic!("on purpose") }));
        assert!(call.await.unwrap_err().is_panic());
    }
}
