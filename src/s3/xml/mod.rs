//! XML as S3 speaks it: a strict reader, the request documents, and the writer of answers.
//!
//! Knows nothing of HTTP, of operations or of stores. Request documents are read into an
//! [`Element`] tree and decoded in a file each; answers are written by [`Writer`].

mod access_control;
mod completion;
mod cors;
mod create_bucket;
mod delete;
mod element;
mod encryption;
pub mod fuzzing;
mod lifecycle;
mod public_access;
mod reader;
mod tagging;
mod website;
mod writer;

pub use access_control::{AccessControlDocument, GrantElement, GranteeElement};
pub use completion::{CompletionDocument, CompletionPart, PartChecksum};
pub use cors::{CorsDocument, CorsRuleDocument};
pub use create_bucket::CreateBucketConfiguration;
pub use delete::{DeleteDocument, DeleteEntry, MAX_DELETED_KEYS};
pub use element::Element;
pub use encryption::{DefaultEncryptionDocument, EncryptionDocument};
pub use lifecycle::{
    ExpirationDocument, LifecycleDocument, LifecycleFilterDocument, LifecycleRuleDocument,
    NoncurrentDocument,
};
pub use public_access::{PublicAccessBlockDocument, parse_ownership};
pub use reader::{parse, parse_root};
pub use tagging::TaggingDocument;
pub use website::{
    ConditionDocument, RedirectAllDocument, RedirectDocument, RoutingRuleDocument, WebsiteDocument,
};
pub use writer::{
    DECLARATION, Writer, document, document_in, error_document, error_root, is_legal,
    plain_document, root,
};

/// A document that is ill-formed or not what the operation expects: `MalformedXML`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedXml(
    /// What is wrong, in words that are fit for the client.
    pub &'static str,
);
