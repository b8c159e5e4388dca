//! The rows of the protocol, one request each: what is accepted, and how the rest is refused.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::*;
use crate::auth::testing::{
    ACCESS_KEY, NOW, NOW_TEXT, SCOPE, authenticator_at, chunk_chain, presign, presign_parameters,
    presign_with, request, settings, sign, sign_some, signed_get, verify, with_standard,
};
use crate::body::BodyError;
use crate::body::testing::drain;

mod body;
mod header;
mod presigned;

fn error(head: &Parts) -> AuthError {
    verify(head).map(|verified| panic!("accepted: {verified:?}")).unwrap_err()
}

fn set(head: &mut Parts, name: &'static str, value: &str) {
    head.headers.insert(name, value.parse().unwrap());
}

fn authorization_of(head: &Parts) -> String {
    head.headers["authorization"].to_str().unwrap().to_owned()
}

fn replace_in_authorization(head: &mut Parts, from: &str, to: &str) {
    let value = authorization_of(head);
    assert!(value.contains(from), "{value}");
    set(head, "authorization", &value.replace(from, to));
}

fn replace_in_target(head: &mut Parts, from: &str, to: &str) {
    let target = head.uri.to_string();
    assert!(target.contains(from), "{target}");
    head.uri = target.replace(from, to).parse().unwrap();
}
