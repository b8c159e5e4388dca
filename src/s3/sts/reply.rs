//! Answers, in this service's namespace.

use bytes::Bytes;

use super::action::{Action, Outcome};
use super::error::Fault;
use crate::auth::grants::Principal;
use crate::auth::{Identity, Issued};
use crate::object::{RequestId, Timestamp};
use crate::s3::xml::{Writer, document_in};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The document of an error.
pub(super) fn error(fault: &Fault, id: RequestId) -> Bytes {
    document_in(NAMESPACE, "ErrorResponse", |writer| {
        writer.element("Error", |writer| {
            writer.text("Type", fault.kind());
            writer.text("Code", fault.code);
            writer.text("Message", &fault.message);
        });
        writer.value("RequestId", id);
    })
}

/// The document of what came of an action.
pub(super) fn success(action: Action, outcome: &Outcome, id: RequestId) -> Bytes {
    let name = action.name();
    document_in(NAMESPACE, &format!("{name}Response"), |writer| {
        writer.element(&format!("{name}Result"), |writer| match outcome {
            Outcome::Issued(issued) => write_issued(writer, issued),
            Outcome::Caller(identity) => write_caller(writer, identity),
        });
        writer.element("ResponseMetadata", |writer| writer.value("RequestId", id));
    })
}

fn write_caller(writer: &mut Writer, identity: &Identity) {
    let principal = Principal::of(identity);
    writer.text("Arn", &principal.caller_arn());
    writer.text("UserId", &principal.user_id());
    writer.text("Account", principal.account);
}

fn write_issued(writer: &mut Writer, issued: &Issued) {
    writer.element("Credentials", |writer| {
        writer.text("AccessKeyId", &issued.access_key);
        writer.text("SecretAccessKey", issued.secret.expose());
        writer.text("SessionToken", issued.token.expose());
        writer.text("Expiration", &seconds(issued.expires));
    });
    let session = issued.identity.session.as_deref();
    if session.is_none_or(|session| session.role.is_none()) {
        return;
    }
    let principal = Principal::of(&issued.identity);
    writer.element("AssumedRoleUser", |writer| {
        writer.text("AssumedRoleId", &principal.user_id());
        writer.text("Arn", &principal.caller_arn());
    });
    writer.optional("SourceIdentity", session.and_then(|it| it.source_identity.as_deref()));
    writer.value("PackedPolicySize", issued.packed);
    if let Some(web) = &issued.web_identity {
        writer.text("SubjectFromWebIdentityToken", &web.subject);
        writer.optional("Audience", web.audience.as_deref());
        writer.text("Provider", &web.provider);
    }
}

/// A point in time as this service writes it: without milliseconds.
fn seconds(time: Timestamp) -> String {
    let text = time.iso8601();
    text.split_once('.').map_or(text.clone(), |(whole, _)| format!("{whole}Z"))
}
