//! Bodies that come from the upstream.
//!
//! The last piece is held back until the upstream has ended well: the SDK compares checksums at
//! the end, and whoever got all the bytes would take them for good.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use tokio::time::{Instant, Sleep};

use super::answer::chain;
use crate::body::{BodyError, Digests, Payload, Source};

struct Incoming {
    stream: ByteStream,
    /// What it is, for the error.
    what: String,
    left: u64,
    held: Option<Bytes>,
    ended: bool,
    limit: Duration,
    /// Runs while the upstream is waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

/// The payload of an answer with `length` bytes; `what` names it in errors.
pub(super) fn payload(stream: ByteStream, length: u64, limit: Duration, what: String) -> Payload {
    let (held, timer) = (None, None);
    let incoming = Incoming { stream, what, left: length, held, ended: false, limit, timer };
    Payload::new(Some(length), incoming)
}

impl Source for Incoming {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        while !self.ended {
            match ready!(self.poll_stream(cx)) {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => {
                    let Some(left) = self.left.checked_sub(chunk.len() as u64) else {
                        return self.fail("sent more than it announced");
                    };
                    self.left = left;
                    if let Some(previous) = self.held.replace(chunk) {
                        return Poll::Ready(Some(Ok(previous)));
                    }
                }
                Some(Err(words)) => return self.fail(&words),
                None if self.left > 0 => return self.fail("broke off"),
                None => self.ended = true,
            }
        }
        Poll::Ready(self.held.take().map(Ok))
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

impl Incoming {
    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        if let Poll::Ready(next) = Pin::new(&mut self.stream).poll_next(cx) {
            self.timer = None;
            return Poll::Ready(next.map(|chunk| chunk.map_err(|error| chain(&error))));
        }
        let limit = self.limit;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + limit)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(format!("gave nothing for {limit:?}"))))
    }

    fn fail(&mut self, words: &str) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.ended = true;
        self.held = None;
        Poll::Ready(Some(Err(BodyError::Store(format!("{} {words}", self.what)))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use aws_sdk_s3::primitives::SdkBody;
    use http_body::Frame;

    use super::*;
    use crate::body::testing::drain;

    /// Frames, and then an end or silence.
    struct Script(VecDeque<Result<Bytes, std::io::Error>>, bool);

    impl http_body::Body for Script {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            match self.0.pop_front() {
                None if self.1 => Poll::Pending,
                next => Poll::Ready(next.map(|chunk| chunk.map(Frame::data))),
            }
        }
    }

    fn body(chunks: &[&'static str], error: bool, silent: bool, length: u64) -> Payload {
        let mut script: VecDeque<_> =
            chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect();
        if error {
            script.push_back(Err(std::io::Error::other("cut")));
        }
        let stream = ByteStream::new(SdkBody::from_body_1_x(Script(script, silent)));
        payload(stream, length, Duration::from_secs(5), "the upstream".to_owned())
    }

    #[tokio::test]
    async fn what_comes_whole_is_given_whole() {
        let (content, _) = drain(body(&["ab", "", "cde"], false, false, 5)).await.unwrap();
        assert_eq!(content, b"abcde");
        let (content, _) = drain(body(&[], false, false, 0)).await.unwrap();
        assert!(content.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_end_well_never_gives_its_last_piece() {
        for (chunks, error, silent, length, why) in [
            (&["ab", "cde"][..], true, false, 5, "cut"),
            (&["ab", "cde"][..], false, false, 6, "broke off"),
            (&["ab", "cde"][..], false, false, 4, "more than it announced"),
            (&["ab", "cde"][..], false, true, 6, "gave nothing for 5s"),
        ] {
            let mut body = body(chunks, error, silent, length);
            let mut given = 0;
            let end = loop {
                match body.next().await {
                    Some(Ok(chunk)) => given += chunk.len(),
                    Some(Err(end)) => break end.to_string(),
                    None => panic!("it ended well: {why}"),
                }
            };
            assert!(end.contains(why), "{end}");
            assert_eq!(given, 2, "{why}");
        }
    }
}
