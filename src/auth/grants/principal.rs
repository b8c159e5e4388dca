//! Who asks, and how policies name them.

use super::document::Policy;
use super::malformed::Malformed;
use crate::auth::{Identity, Role};

/// Who asks, as policies name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal<'a> {
    /// The account: the owner's canonical user id.
    pub account: &'a str,
    /// Who in it.
    pub name: PrincipalName<'a>,
}

/// Who in an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalName<'a> {
    /// The holder of a key, named by the access key's id.
    User(&'a str),
    /// Whoever has assumed a role for a while.
    Session {
        /// The role.
        role: &'a str,
        /// What the session was called.
        session: &'a str,
    },
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub enum Who<'a> {
    /// Nobody signed it.
    Anonymous,
    /// Somebody known.
    Known(&'a Identity),
}

/// How well a policy's principal fits who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Another.
    None,
    /// The account: what it gives to whom is for its own policies to say.
    Account,
    /// Themselves, or everyone.
    Direct,
    /// The very session.
    Session,
}

/// Who there is for policies to name.
pub trait Registry {
    /// Whether somebody has that canonical user id.
    fn has_account(&self, account: &str) -> bool;

    /// Whether the account has a key of that id.
    fn has_user(&self, account: &str, access_key: &str) -> bool;

    /// Whether the account has a role of that name.
    fn has_role(&self, account: &str, role: &str) -> bool;
}

/// A policy's `Principal`, one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// `*`.
    Everyone,
    /// An account, or its root.
    Account(String),
    /// `user/NAME` of an account, which may be empty.
    User { account: String, name: String },
    /// `role/NAME` of an account.
    Role { account: String, name: String },
    /// `assumed-role/ROLE/SESSION` of an account.
    Session { account: String, role: String, session: String },
    /// A service, a provider of identities: nobody who comes here with a key.
    Foreign,
}

impl<'a> Who<'a> {
    /// The identity, where there is one.
    pub fn identity(self) -> Option<&'a Identity> {
        match self {
            Self::Anonymous => None,
            Self::Known(identity) => Some(identity),
        }
    }

    /// Whose they are.
    pub fn account(self) -> Option<&'a str> {
        self.identity().map(|identity| identity.owner.id.as_str())
    }

    /// Whether an admin.
    pub(super) fn is_admin(self) -> bool {
        self.identity().is_some_and(|identity| identity.role == Role::Admin)
    }

    /// Whether they may everything in their own account, as its root.
    pub(super) fn is_root_of(self, account: &str) -> bool {
        self.identity().is_some_and(|identity| {
            let root = match identity.role {
                Role::Admin => true,
                Role::ReadWrite => identity.owner.id == account,
                Role::ReadOnly | Role::Policy => false,
            };
            // A session of a key is the key for a while; one of a role is nobody's root.
            let of_role = identity.session.as_ref().is_some_and(|it| it.role.is_some());
            root && !of_role && identity.company.is_none()
        })
    }

    /// The policy of the session, where there is one.
    pub(super) fn session_policy(self) -> Option<&'a Policy> {
        self.identity()?.session.as_ref()?.policy.as_deref()
    }
}

impl<'a> Principal<'a> {
    /// How policies name the holder of an identity.
    pub fn of(identity: &'a Identity) -> Self {
        let session = identity.session.as_deref();
        let name = match session.and_then(|it| Some((it.role.as_deref()?, it.name.as_str()))) {
            None => PrincipalName::User(&identity.access_key),
            Some((role, session)) => PrincipalName::Session { role, session },
        };
        Self { account: &identity.owner.id, name }
    }

    /// `aws:PrincipalArn`: of a session its role's.
    pub fn arn(&self) -> String {
        let account = self.account;
        match self.name {
            PrincipalName::User(name) => format!("arn:aws:iam::{account}:user/{name}"),
            PrincipalName::Session { role, .. } => format!("arn:aws:iam::{account}:role/{role}"),
        }
    }

    /// Who it is to `GetCallerIdentity`: of a session the session's own ARN.
    pub fn caller_arn(&self) -> String {
        match self.name {
            PrincipalName::User(_) => self.arn(),
            PrincipalName::Session { role, session } => {
                format!("arn:aws:sts::{}:assumed-role/{role}/{session}", self.account)
            }
        }
    }

    /// `aws:username`, which sessions do not have.
    pub fn username(&self) -> Option<&'a str> {
        match self.name {
            PrincipalName::User(name) => Some(name),
            PrincipalName::Session { .. } => None,
        }
    }

    /// `aws:userid`.
    pub fn user_id(&self) -> String {
        match self.name {
            PrincipalName::User(_) => self.account.to_owned(),
            PrincipalName::Session { role, session } => format!("{role}:{session}"),
        }
    }

    /// `aws:PrincipalType`.
    pub fn kind(&self) -> &'static str {
        match self.name {
            PrincipalName::User(_) => "User",
            PrincipalName::Session { .. } => "AssumedRole",
        }
    }
}

impl Named {
    /// Reads a value of `AWS`.
    pub(super) fn aws(text: &str) -> Result<Self, Malformed> {
        if text == "*" {
            return Ok(Self::Everyone);
        }
        if text.is_empty() || text.contains(['*', '?', ' ']) {
            return Err(Malformed::Principal);
        }
        if !text.starts_with("arn:") {
            let plain = !text.contains([':', '/']);
            return if plain {
                Ok(Self::Account(text.to_owned()))
            } else {
                Err(Malformed::Principal)
            };
        }
        Self::arn(text).ok_or(Malformed::Principal)
    }

    fn arn(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, who] = parts.as_slice() else { return None };
        if !partition.starts_with("aws") {
            return None;
        }
        let account = (*account).to_owned();
        let (kind, name) = who.split_once('/').unwrap_or((who, ""));
        let filled = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        match (*service, kind) {
            ("iam", "root") if name.is_empty() && !account.is_empty() => {
                Some(Self::Account(account))
            }
            ("iam", "user") => Some(Self::User { account, name: filled(name)? }),
            ("iam", "role") => Some(Self::Role { account, name: filled(name)? }),
            ("sts", "assumed-role") => {
                let (role, session) = name.rsplit_once('/')?;
                Some(Self::Session { account, role: filled(role)?, session: filled(session)? })
            }
            ("sts", "federated-user") => filled(name).map(|_| Self::Foreign),
            ("iam", "oidc-provider" | "saml-provider") => filled(name).map(|_| Self::Foreign),
            _ => None,
        }
    }

    /// Reads a value of `CanonicalUser`.
    pub(super) fn canonical(text: &str) -> Result<Self, Malformed> {
        if text.is_empty() || text.contains(['*', '?']) {
            return Err(Malformed::Principal);
        }
        Ok(Self::Account(text.to_owned()))
    }

    /// Whether it names somebody that there is. Services and providers of identities are not held
    /// against anything: nobody comes here as one.
    pub(super) fn is_known(&self, registry: &dyn Registry) -> bool {
        match self {
            Self::Everyone | Self::Foreign => true,
            Self::Account(account) => registry.has_account(account),
            // The form of stores whose accounts are their users.
            Self::User { account, name } if account.is_empty() => {
                registry.has_account(name) || registry.has_user("", name)
            }
            Self::User { account, name } => registry.has_user(account, name),
            Self::Role { account, name } => registry.has_role(account, name),
            Self::Session { account, role, .. } => registry.has_role(account, role),
        }
    }

    /// Whether it is one certain principal.
    pub(super) fn is_everyone(&self) -> bool {
        *self == Self::Everyone
    }

    /// Whether it is somebody in the account of who asks, rather than the account.
    pub(super) fn is_one_of_account(&self, who: Who<'_>) -> bool {
        match self {
            Self::User { account, .. }
            | Self::Role { account, .. }
            | Self::Session { account, .. } => who.account() == Some(account),
            Self::Everyone | Self::Account(_) | Self::Foreign => false,
        }
    }

    /// How well it fits who asks.
    pub(super) fn fit(&self, who: Who<'_>) -> Fit {
        let Some(identity) = who.identity() else {
            return if self.is_everyone() { Fit::Direct } else { Fit::None };
        };
        let principal = Principal::of(identity);
        let here = |account: &str| account == principal.account;
        let fit = |fits: bool, fit| if fits { fit } else { Fit::None };
        match (self, principal.name) {
            (Self::Everyone, _) => Fit::Direct,
            (Self::Account(account), _) => fit(here(account), Fit::Account),
            // The form of stores whose accounts are their users.
            (Self::User { account, name }, _) if account.is_empty() && here(name) => Fit::Account,
            (Self::User { account, name }, PrincipalName::User(user)) => {
                fit((here(account) || account.is_empty()) && name == user, Fit::Direct)
            }
            (Self::Role { account, name }, PrincipalName::Session { role, .. }) => {
                fit(here(account) && name == role, Fit::Direct)
            }
            (
                Self::Session { account, role: wanted, session: called },
                PrincipalName::Session { role, session },
            ) => fit(here(account) && wanted == role && called == session, Fit::Session),
            (Self::User { .. } | Self::Role { .. } | Self::Session { .. } | Self::Foreign, _) => {
                Fit::None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_are_arns_accounts_or_everyone() {
        let account = |text: &str| Ok(Named::Account(text.to_owned()));
        assert_eq!(Named::aws("*"), Ok(Named::Everyone));
        assert_eq!(Named::aws("123456789012"), account("123456789012"));
        assert_eq!(Named::aws("arn:aws:iam::main:root"), account("main"));
        assert!(matches!(Named::aws("arn:aws:iam::main:user/AKMAIN"), Ok(Named::User { .. })));
        assert!(matches!(Named::aws("arn:aws:iam:::user/main"), Ok(Named::User { .. })));
        assert!(matches!(Named::aws("arn:aws:iam::main:role/a/b"), Ok(Named::Role { .. })));
        let session = Named::aws("arn:aws:sts::main:assumed-role/r/s");
        assert!(matches!(session, Ok(Named::Session { .. })));
        for text in [
            "",
            "arn:aws:iam::1:user/*",
            "arn:aws:iam::1:user/",
            "arn:aws:iam::1:group/x",
            "arn:aws:s3:::bucket",
            "arn:aws:iam:::root",
            "arn:aws:sts::1:assumed-role/r",
            "a:b",
            "12*",
        ] {
            assert_eq!(Named::aws(text), Err(Malformed::Principal), "{text}");
        }
    }
}
