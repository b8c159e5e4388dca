//! A connection's bytes, plain or decrypted: notes what arrives, bounds how long a write may
//! stall, and closes so that the client still gets the answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::activity::Activity;

/// How long a closed connection is read from in all, at most.
const LINGER_TIME: Duration = Duration::from_secs(5);
/// How long a closed connection may be silent before it is let go.
const LINGER_QUIET: Duration = Duration::from_secs(1);
/// How many bytes are read from a closed connection, at most.
const LINGER_BYTES: usize = 64 << 20;
const LINGER_BUFFER: usize = 32 << 10;

/// A connection's bytes.
pub(super) struct Stream<S> {
    inner: S,
    activity: Arc<Activity>,
    write_timeout: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    closing: Closing,
}

enum Closing {
    Open,
    Lingering(Linger),
    Done,
}

/// Reads and drops what the client goes on sending. Closing a socket with unread bytes resets the
/// connection, and a reset makes the client lose the answer that it has not read yet.
struct Linger {
    end: Pin<Box<Sleep>>,
    quiet: Pin<Box<Sleep>>,
    left: usize,
    expected: bool,
    buffer: Vec<u8>,
}

impl<S> Stream<S> {
    /// Wraps `inner`.
    pub(super) fn new(inner: S, activity: Arc<Activity>, write_timeout: Duration) -> Self {
        Self { inner, activity, write_timeout, stalled: None, closing: Closing::Open }
    }

    /// Passes on what a write came to; one that stalls too long is an error.
    fn bounded<T>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled = None;
            return result;
        }
        let timeout = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.activity.bytes_arrived();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.bounded(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(cx, bytes);
        self.bounded(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        self.bounded(cx, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match &mut this.closing {
                Closing::Open => {
                    let result = Pin::new(&mut this.inner).poll_shutdown(cx);
                    ready!(this.bounded(cx, result))?;
                    this.closing = Closing::Lingering(Linger::new(this.activity.left_unread()));
                }
                Closing::Lingering(linger) => {
                    ready!(linger.poll(&mut this.inner, cx));
                    this.closing = Closing::Done;
                }
                Closing::Done => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl Linger {
    fn new(expected: bool) -> Self {
        Self {
            end: Box::pin(sleep(LINGER_TIME)),
            quiet: Box::pin(sleep(LINGER_QUIET)),
            left: LINGER_BYTES,
            expected,
            buffer: vec![0; LINGER_BUFFER],
        }
    }

    /// Ready once the client has closed, or nothing came although there was time.
    fn poll<S: AsyncRead + Unpin>(&mut self, inner: &mut S, cx: &mut Context<'_>) -> Poll<()> {
        while self.end.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut self.buffer);
            match Pin::new(&mut *inner).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.left = self.left.saturating_sub(buffer.filled().len());
                    if self.left == 0 {
                        return Poll::Ready(());
                    }
                    self.expected = true;
                    self.quiet.as_mut().reset(tokio::time::Instant::now() + LINGER_QUIET);
                }
                Poll::Pending if self.expected => return self.quiet.as_mut().poll(cx),
                Poll::Ready(_) | Poll::Pending => return Poll::Ready(()),
            }
        }
        Poll::Ready(())
    }
}
