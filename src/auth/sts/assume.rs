//! From who asks to credentials: the checks of each action, in AWS's order and with its limits (STS
//! API Reference).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::contents::{ActsAs, Contents, percent};
use super::limits::{
    LONGEST_KEY, LONGEST_ROLE, USUAL_KEY, USUAL_ROLE, checked_policy, invalid_name, is_name,
    seconds, shown, tags,
};
use super::{AssumableRole, Binding, Sts, StsError, TrustedIdentity, role};
use crate::auth::grants::Company;
use crate::auth::jwt::{Claims, Fault, FetchKeys, IdentityProvider, Token};
use crate::auth::{Authenticator, Identity, Secret};
use crate::object::Timestamp;

/// What a client asks for beside the role itself.
#[derive(Debug, Clone, Default)]
pub struct AssumeRequest {
    /// `RoleArn`.
    pub role_arn: String,
    /// `RoleSessionName`.
    pub session_name: String,
    /// `DurationSeconds`.
    pub duration: Option<u64>,
    /// `Policy`.
    pub policy: Option<String>,
    /// `Tags`.
    pub tags: Vec<(String, String)>,
    /// `SourceIdentity`.
    pub source_identity: Option<String>,
}

/// Credentials for a while.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The access key's id.
    pub access_key: String,
    /// Its secret.
    pub secret: Secret,
    /// The session token, which is a secret as well.
    pub token: Secret,
    /// Until when.
    pub expires: Timestamp,
    /// How full the token is, in percent.
    pub packed: usize,
    /// Who it is now: `GetCallerIdentity` says the same.
    pub identity: Arc<Identity>,
    /// Of a web identity: subject, audience and provider.
    pub web_identity: Option<WebIdentity>,
}

/// What a token was believed of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebIdentity {
    /// The subject.
    pub subject: String,
    /// The audience.
    pub audience: Option<String>,
    /// The provider's name, or its issuer where it has one.
    pub provider: String,
}

/// Everything that actions are decided with.
struct Desk<'a> {
    sts: &'a Sts,
    now: Timestamp,
}

impl Authenticator {
    /// `AssumeRoleWithWebIdentity`: for whoever holds a token that the role trusts.
    pub async fn assume_with_web_identity(
        &self,
        request: &AssumeRequest,
        token: &str,
        provider: Option<&str>,
    ) -> Result<Issued, StsError> {
        let ring = self.ring();
        let desk = Desk { sts: ring.sts(), now: self.now() };
        desk.with_web_identity(request, token, provider, self.fetcher())
            .await
            .and_then(|contents| self.issue(contents))
    }

    /// `AssumeRole`: for the holder of a key that the role trusts.
    pub fn assume_role(
        &self,
        caller: &Identity,
        request: &AssumeRequest,
    ) -> Result<Issued, StsError> {
        let ring = self.ring();
        let desk = Desk { sts: ring.sts(), now: self.now() };
        let contents = desk.as_key(caller, request)?;
        self.issue(contents)
    }

    /// `GetSessionToken`: the rights of the key, for a while.
    pub fn session_token(
        &self,
        caller: &Identity,
        duration: Option<u64>,
    ) -> Result<Issued, StsError> {
        if caller.session.is_some() {
            return Err(denied("a session cannot begin another by GetSessionToken"));
        }
        let seconds = seconds(duration, USUAL_KEY, LONGEST_KEY)?;
        let contents = Contents {
            acts_as: ActsAs::Key(caller.access_key.clone()),
            ..Contents::new(self.now(), seconds)
        };
        self.issue((contents, None))
    }

    fn issue(
        &self,
        (contents, web_identity): (Contents, Option<WebIdentity>),
    ) -> Result<Issued, StsError> {
        const NONE: &str = "there is no secret to seal session tokens with";
        let ring = self.ring();
        let sealed = ring.seals().seal(&contents.encode());
        let sealed =
            sealed.map_err(|_| StsError::Internal("the system gives no random numbers"))?;
        let sealed = sealed.ok_or(StsError::Internal(NONE))?;
        let packed = percent(&sealed.token);
        if packed > 100 {
            return Err(StsError::TooLarge(packed));
        }
        let opened = ring.open(&sealed.access_key, &sealed.token, self.now());
        let (identity, secret) = opened.map_err(|_| StsError::Internal("the role is gone"))?;
        Ok(Issued {
            access_key: sealed.access_key,
            secret,
            token: Secret::new(sealed.token),
            expires: Timestamp(contents.expires.saturating_mul(1000)),
            packed,
            identity,
            web_identity,
        })
    }
}

impl Desk<'_> {
    async fn with_web_identity(
        &self,
        request: &AssumeRequest,
        text: &str,
        provider: Option<&str>,
        fetcher: &dyn FetchKeys,
    ) -> Result<(Contents, Option<WebIdentity>), StsError> {
        let wanted = self.wanted(request)?;
        let token = Token::parse(text).map_err(|fault| refused(&fault, ""))?;
        let Some(role) = wanted.role else { return Err(denied(NO_ROLE)) };
        let issuer = token.issuer();
        let mut outcome = Err(StsError::InvalidToken(
            "no identity provider that the role trusts issues tokens like it".to_owned(),
        ));
        for (trusted, known) in self.providers_of(role) {
            if !known.may_issue(issuer.as_deref()) || provider.is_some_and(|it| it != known.name) {
                continue;
            }
            outcome = match known.verify(&token, fetcher, self.now).await {
                Err(fault) => Err(refused(&fault, &known.name)),
                Ok(claims) if !trusted.admits(&claims) || !role.is_named_by(known, &claims) => {
                    Err(denied(format!("the token's claims do not let it assume {}", role.name)))
                }
                Ok(claims) => return self.of_claims(request, wanted, role, known, &claims),
            };
        }
        outcome
    }

    fn providers_of<'a>(
        &'a self,
        role: &'a AssumableRole,
    ) -> impl Iterator<Item = (&'a TrustedIdentity, &'a IdentityProvider)> {
        let known = |trusted: &'a TrustedIdentity| {
            self.sts.provider(&trusted.provider).map(|provider| (trusted, provider))
        };
        role.identities.iter().filter_map(known)
    }

    fn of_claims(
        &self,
        request: &AssumeRequest,
        wanted: Wanted<'_>,
        role: &AssumableRole,
        provider: &IdentityProvider,
        claims: &Claims,
    ) -> Result<(Contents, Option<WebIdentity>), StsError> {
        const SOURCE: &str = "https://aws.amazon.com/source_identity";
        let needed = |name: &str| claims.text(name).ok_or_else(|| StsError::Claim(name.to_owned()));
        let names = &provider.names;
        let seconds = wanted.within(role)?;
        let subject = needed(&names.subject)?;
        let name = match &names.session {
            None => request.session_name.clone(),
            Some(claim) => {
                let name = needed(claim)?;
                if !is_name(&name) {
                    return Err(StsError::Claim(claim.clone()));
                }
                name
            }
        };
        let company = match (&role.company, role.company_claim(provider)) {
            (Binding::Company(company), _) => Some(company.as_str().to_owned()),
            (_, Some(claim)) => {
                let company = needed(claim)?;
                Company::new(&company).ok_or_else(|| StsError::Claim(claim.to_owned()))?;
                Some(company)
            }
            (_, None) => None,
        };
        let source_identity = claims.text(SOURCE);
        if source_identity.as_deref().is_some_and(|it| !is_name(it)) {
            return Err(StsError::Claim(SOURCE.to_owned()));
        }
        let contents = Contents {
            acts_as: ActsAs::Role(role.name.clone()),
            name,
            company,
            policy: wanted.policy,
            source_identity,
            tags: claims.session_tags(),
            claims: claims.kept(provider.kept.as_deref()),
            ..Contents::new(self.now, seconds)
        };
        let audience = claims.texts("aud").into_iter().find(|it| provider.audiences.contains(it));
        let issuer = provider.issuer.clone().unwrap_or_else(|| provider.name.clone());
        Ok((contents, Some(WebIdentity { subject, audience, provider: issuer })))
    }

    fn as_key(
        &self,
        caller: &Identity,
        request: &AssumeRequest,
    ) -> Result<(Contents, Option<WebIdentity>), StsError> {
        let wanted = self.wanted(request)?;
        let Some(role) = wanted.role else { return Err(denied(NO_ROLE)) };
        let of_role = caller.session.as_ref().is_some_and(|session| session.role.is_some());
        if of_role || !role.keys.contains(&caller.access_key) {
            return Err(denied(format!("{} may not assume {}", caller.access_key, role.name)));
        }
        let seconds = wanted.within(role)?;
        let tags = tags(role, request)?;
        if request.source_identity.as_deref().is_some_and(|it| !is_name(it)) {
            return Err(invalid_name("sourceIdentity"));
        }
        let company = match (&role.company, &caller.company) {
            (Binding::Company(of_role), Some(own)) if of_role != own => {
                return Err(denied(format!("{} is another company's", role.name)));
            }
            (Binding::Claim(_), None) => {
                return Err(denied(format!(
                    "{} takes its company from a token's claim, and the key has none",
                    role.name
                )));
            }
            (Binding::Company(company), _) | (Binding::Free | Binding::Claim(_), Some(company)) => {
                Some(company.as_str().to_owned())
            }
            (Binding::Free, None) => None,
        };
        let contents = Contents {
            acts_as: ActsAs::Role(role.name.clone()),
            name: request.session_name.clone(),
            company,
            policy: wanted.policy,
            source_identity: request.source_identity.clone(),
            tags,
            ..Contents::new(self.now, seconds)
        };
        Ok((contents, None))
    }

    /// Checks what is the same for everybody who wants to assume a role.
    fn wanted(&self, request: &AssumeRequest) -> Result<Wanted<'_>, StsError> {
        if !is_name(&request.session_name) {
            return Err(invalid_name("roleSessionName"));
        }
        let (account, name) = role::name_in(&request.role_arn)
            .ok_or_else(|| StsError::Invalid(format!("{} is invalid", shown(&request.role_arn))))?;
        let role = self.sts.role(name).filter(|it| role::is_account_of(account, &it.owner));
        let usual = role.map_or(USUAL_ROLE, |it| USUAL_ROLE.min(it.max_session.as_secs()));
        let seconds = seconds(request.duration, usual, LONGEST_ROLE)?;
        let policy = request.policy.as_deref().map(checked_policy).transpose()?;
        Ok(Wanted { role: role.map(|role| &**role), seconds, policy })
    }
}

/// What a request for a role has in common with every other.
struct Wanted<'a> {
    /// `None` where there is no such role.
    role: Option<&'a AssumableRole>,
    seconds: u64,
    policy: Option<String>,
}

impl Wanted<'_> {
    /// How long the session is to last. Asked of those who may assume the role: what it allows is
    /// nobody else's to know.
    fn within(&self, role: &AssumableRole) -> Result<u64, StsError> {
        if self.seconds > role.max_session.as_secs() {
            return Err(StsError::TooLong(role.max_session));
        }
        Ok(self.seconds)
    }
}

impl Contents {
    fn new(now: Timestamp, seconds: u64) -> Self {
        let issued = now.seconds();
        Self {
            acts_as: ActsAs::Key(String::new()),
            issued,
            expires: issued.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX)),
            name: String::new(),
            company: None,
            policy: None,
            source_identity: None,
            tags: BTreeMap::new(),
            claims: BTreeMap::new(),
        }
    }
}

const NO_ROLE: &str = "there is no such role";

fn denied(why: impl Into<String>) -> StsError {
    StsError::Denied(why.into())
}

fn refused(fault: &Fault, provider: &str) -> StsError {
    match fault {
        Fault::Expired => StsError::ExpiredToken,
        Fault::Claim(name) => StsError::Claim(name.clone()),
        Fault::Away => StsError::ProviderAway(provider.to_owned()),
        other => StsError::InvalidToken(other.to_string()),
    }
}
