//! Who may do what: policies, ACLs, public access blocks, companies, and the one evaluator of them.
//!
//! Everything here is pure: documents are read into values once, and [`evaluate`] decides from values
//! alone. Knows nothing of requests, stores or answers; whoever asks says what the request's facts
//! are by [`Facts`].

mod acl;
mod action;
mod canned;
mod company;
mod condition;
mod decision;
mod document;
mod evaluate;
mod facts;
mod grant_header;
mod json;
mod keys;
mod malformed;
mod operator;
mod ownership;
mod parse;
mod pattern;
mod principal;
mod public;
mod public_access;
mod resource;
mod spelling;
mod statement;
mod value;

#[cfg(test)]
mod table_tests;

pub use acl::{AclError, Directory, Sought};
pub use action::{Action, ActionKind};
pub use canned::CannedAcl;
pub use company::{Company, Reach};
pub use decision::{Decision, Refusal, Source, Title};
pub use document::{BUCKET_POLICY_LIMIT, Effect, Policy};
pub use evaluate::{BucketGrants, ObjectGrants, Request, evaluate};
pub use facts::{Facts, FixedFacts, NoFacts, Values};
pub use grant_header::parse_grant_header;
pub use malformed::Malformed;
pub use ownership::{Ownership, OwnershipDefaults};
pub use pattern::ConditionKey;
pub use principal::{Principal, PrincipalName, Registry, Who};
pub use public_access::PublicAccessBlock;
pub use resource::Target;

pub use crate::object::{Acl, Grant, Grantee, Group, Permission};
