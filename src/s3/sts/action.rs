//! The actions that are served, from parameters to outcome.

use std::sync::Arc;

use super::Told;
use super::error::{Fault, refused};
use super::parameters::Parameters;
use crate::auth::grants::Principal;
use crate::auth::{AssumeRequest, Authenticator, Identity, Issued};

const VERSION: &str = "2011-06-15";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    AssumeRole,
    AssumeRoleWithWebIdentity,
    GetCallerIdentity,
    GetSessionToken,
}

/// What came of it.
pub(super) enum Outcome {
    /// Credentials.
    Issued(Issued),
    /// Who it is.
    Caller(Arc<Identity>),
}

impl Action {
    const ALL: [Self; 4] = [
        Self::AssumeRole,
        Self::AssumeRoleWithWebIdentity,
        Self::GetCallerIdentity,
        Self::GetSessionToken,
    ];

    /// The action that the parameters name. Those of other services, IAM's among them, are none.
    pub(super) fn of(parameters: &Parameters) -> Result<Self, Fault> {
        let Some(name) = parameters.get("Action") else {
            let message = "The request is missing an action or a required parameter.";
            return Err(Fault::sender(400, "MissingAction", message));
        };
        let version = parameters.get("Version").unwrap_or(VERSION);
        let known = Self::ALL.into_iter().find(|action| action.name() == name);
        known.filter(|_| version == VERSION).ok_or_else(|| {
            let shown = |text: &str| text.chars().take(100).collect::<String>();
            let (name, version) = (shown(name), shown(version));
            let message = format!("Could not find operation {name} for version {version}");
            Fault::sender(400, "InvalidAction", message)
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AssumeRole => "AssumeRole",
            Self::AssumeRoleWithWebIdentity => "AssumeRoleWithWebIdentity",
            Self::GetCallerIdentity => "GetCallerIdentity",
            Self::GetSessionToken => "GetSessionToken",
        }
    }

    /// Whether it is the holder of a key who asks, rather than the holder of a token.
    pub(super) fn is_signed(self) -> bool {
        self != Self::AssumeRoleWithWebIdentity
    }
}

/// Carries an action of the holder of a key out.
pub(super) fn of_key(
    action: Action,
    auth: &Authenticator,
    caller: &Arc<Identity>,
    parameters: &Parameters,
    told: &mut Told,
) -> Result<Outcome, Fault> {
    let arn = Principal::of(caller).caller_arn();
    let issued = match action {
        Action::AssumeRole => {
            no_second_factor(parameters)?;
            let mut request = assume_request(parameters)?;
            request.tags = parameters.tags()?;
            request.source_identity = parameters.get("SourceIdentity").map(str::to_owned);
            auth.assume_role(caller, &request)
                .map_err(|error| refused(error, action.name(), Some(&arn), &request.role_arn))
        }
        Action::GetSessionToken => {
            no_second_factor(parameters)?;
            auth.session_token(caller, parameters.number("DurationSeconds")?)
                .map_err(|error| refused(error, action.name(), Some(&arn), ""))
        }
        Action::GetCallerIdentity | Action::AssumeRoleWithWebIdentity => {
            return Ok(Outcome::Caller(Arc::clone(caller)));
        }
    }?;
    told.session = Some(Arc::clone(&issued.identity));
    Ok(Outcome::Issued(issued))
}

/// Carries `AssumeRoleWithWebIdentity` out.
pub(super) async fn with_web_identity(
    auth: &Authenticator,
    parameters: &Parameters,
) -> Result<Issued, Fault> {
    let request = assume_request(parameters)?;
    let token = parameters.required("WebIdentityToken")?;
    let name = Action::AssumeRoleWithWebIdentity.name();
    auth.assume_with_web_identity(&request, token, parameters.get("ProviderId"))
        .await
        .map_err(|error| refused(error, name, None, ""))
}

fn assume_request(parameters: &Parameters) -> Result<AssumeRequest, Fault> {
    if parameters.has_any("PolicyArns.") {
        return Err(Fault::validation(
            "PolicyArns: there are no managed policies here; give the policy itself as Policy",
        ));
    }
    Ok(AssumeRequest {
        role_arn: parameters.required("RoleArn")?.to_owned(),
        session_name: parameters.required("RoleSessionName")?.to_owned(),
        duration: parameters.number("DurationSeconds")?,
        policy: parameters.get("Policy").map(str::to_owned),
        ..AssumeRequest::default()
    })
}

/// Whoever sends a code of a device believes that it is checked.
fn no_second_factor(parameters: &Parameters) -> Result<(), Fault> {
    if parameters.get("SerialNumber").or_else(|| parameters.get("TokenCode")).is_some() {
        let message = "MultiFactorAuthentication failed: there are no devices for it here";
        return Err(Fault::sender(403, "AccessDenied", message));
    }
    Ok(())
}
