//! Why a document is no policy, in S3's words.

/// `MalformedPolicy`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No JSON object.
    #[error("Policies must be valid JSON and the first byte must be '{{'")]
    Json,
    /// More bytes than a policy may have.
    #[error("Policy exceeds the maximum allowed document size.")]
    TooLarge,
    /// A name occurs twice in one object, so that readers could differ about it.
    #[error("Duplicate field {0}")]
    Duplicate(String),
    /// Something that must be there is not.
    #[error("Missing required field {0}")]
    Missing(&'static str),
    /// A list or text that must not be empty is.
    #[error("Missing required field cannot be empty!")]
    Empty,
    /// A name that has no meaning there.
    #[error("Unknown field {0}")]
    Unknown(String),
    /// Both a field and its negation.
    #[error("Policy statement must not contain both {0} and Not{0}")]
    Both(&'static str),
    /// A value of the wrong JSON type.
    #[error("Invalid policy syntax.")]
    Syntax,
    /// `Version`.
    #[error("The policy must contain a valid version string")]
    Version,
    /// `Effect`.
    #[error("Invalid effect: {0}")]
    Effect(String),
    /// A `Sid` that occurs twice.
    #[error("Statement IDs (SID) in a single policy must be unique.")]
    Sid,
    /// `Principal`.
    #[error("Invalid principal in policy")]
    Principal,
    /// `NotPrincipal` that allows: it would allow everyone else.
    #[error("Allow with NotPrincipal is not allowed.")]
    AllowNotPrincipal,
    /// `Principal` where the policy is an identity's.
    #[error("Policy document should not specify a principal.")]
    UnwantedPrincipal,
    /// `Action`.
    #[error("Policy has invalid action")]
    Action,
    /// `Resource`.
    #[error("Policy has invalid resource")]
    Resource,
    /// An action that none of the statement's resources can have.
    #[error("Action does not apply to any resource(s) in statement")]
    Inapplicable,
    /// An operator.
    #[error("Invalid Condition type : {0}")]
    Operator(String),
    /// A condition's key.
    #[error("Policy has an invalid condition key")]
    Key,
    /// A value that the operator cannot compare with.
    #[error("Invalid value in the condition {0}")]
    Value(String),
    /// A variable without end.
    #[error("Policy has an invalid policy variable")]
    Variable,
}
