//! The name of ListParts' document, in which services differ.
//!
//! The SDK reads `ListPartsResult` alone; some answer `ListPartsResponse`, moto's server among
//! them. The document is otherwise the same.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};

const FOREIGN: &str = "ListPartsResponse";
const KNOWN: &str = "ListPartsResult";

/// The longest document that is read: a page has a thousand parts.
const LIMIT: usize = 4 * 1024 * 1024;

/// Gives the document the name that the SDK knows.
#[derive(Debug)]
pub(super) struct RootName;

/// A document that is read as a whole and then given out.
struct Renamed {
    inner: SdkBody,
    content: BytesMut,
    ended: bool,
}

impl Intercept for RootName {
    fn name(&self) -> &'static str {
        "RootName"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if response.status().is_success() {
            let inner = std::mem::replace(response.body_mut(), SdkBody::taken());
            let renamed = Renamed { inner, content: BytesMut::new(), ended: false };
            *response.body_mut() = SdkBody::from_body_1_x(renamed);
        }
        Ok(())
    }
}

impl Body for Renamed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        while !this.ended {
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    if this.content.len() + data.len() > LIMIT {
                        this.ended = true;
                        return Poll::Ready(Some(Err("the list of parts is too long".into())));
                    }
                    this.content.extend_from_slice(&data);
                }
                Some(Err(error)) => {
                    this.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    this.ended = true;
                    let document = renamed(std::mem::take(&mut this.content).freeze());
                    return Poll::Ready(Some(Ok(Frame::data(document))));
                }
            }
        }
        Poll::Ready(None)
    }
}

/// Keys may hold the foreign name as well: only tags are renamed, in which no text can be.
fn renamed(document: Bytes) -> Bytes {
    match std::str::from_utf8(&document) {
        Ok(text) if text.contains(&format!("<{FOREIGN}")) => text
            .replace(&format!("<{FOREIGN}"), &format!("<{KNOWN}"))
            .replace(&format!("</{FOREIGN}"), &format!("</{KNOWN}"))
            .into(),
        _ => document,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_alone_is_renamed() {
        let document = "<?xml?><ListPartsResponse xmlns=\"x\"><Key>ListPartsResponse</Key>\
                        </ListPartsResponse>";
        let expected = "<?xml?><ListPartsResult xmlns=\"x\"><Key>ListPartsResponse</Key>\
                        </ListPartsResult>";
        assert_eq!(renamed(Bytes::from(document)), expected);
        assert_eq!(renamed(Bytes::from(expected)), expected);
    }
}
