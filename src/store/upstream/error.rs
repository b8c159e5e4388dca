//! The table from the upstream's errors to the store's, and the words for the operator.
//!
//! What the client did wrong, or asked of an object that is not so, is the client's to know.
//! Whatever is wrong with keys, rights, names, regions, certificates or the network is not: it is
//! [`StoreError::Unavailable`] with one sentence that a person can act on.

use super::UpstreamOptions;
use super::answer::{Answer, Fault};
use super::operation::Asked;
use crate::object::ConditionHeader;
use crate::store::StoreError;

/// What to set for services that stumble over the form in which the SDK sends bodies.
pub(super) const FEWER_CHECKSUMS: &str = "checksums = \"when-required\" for this upstream";

/// What is said of a service that is silent.
const NO_ANSWER: &str = "the service did not answer in time: is it overloaded, or is it another \
                         service that listens there?";

/// What the SDK puts before the words of the layers below it.
const LAYERS: &[&str] = &[
    "dispatch failure: ",
    "io error: ",
    "other: ",
    "timeout: ",
    "client error (Connect): ",
    "client error (SendRequest): ",
    "TLS handshake failed: ",
];

/// What the words name of the upstream.
#[derive(Debug, Clone)]
pub(super) struct Site {
    name: String,
    endpoint: Option<String>,
    region: String,
    access_key: Option<String>,
}

/// What an answer means, whatever was asked.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// One of the store's own answers.
    Known(Known),
    /// A fault of the client's, to be passed on.
    Client,
    /// The service does not do that.
    NotDone,
    /// Nobody's but the operator's: what it is.
    Operator(String),
}

/// Answers that have a variant of their own.
#[derive(Debug, PartialEq, Eq)]
enum Known {
    NoSuchKey,
    NoSuchVersion,
    NoSuchUpload,
    Conflict,
    Precondition,
    Range,
}

impl Site {
    /// The upstream of these options.
    pub(super) fn new(options: &UpstreamOptions) -> Self {
        Self {
            name: options.name.clone(),
            endpoint: options.endpoint.clone(),
            region: options.region.clone(),
            access_key: options.credentials.as_ref().map(|key| key.access_key.clone()),
        }
    }

    /// The store's error for a fault.
    pub(super) fn refusal(&self, asked: &Asked, fault: &Fault) -> StoreError {
        let answer = match fault {
            Fault::Answered(answer) => answer,
            Fault::Unsendable { .. } => {
                let what = format!("a key of white space alone in upstream {}", self.name);
                return StoreError::Unsupported { what };
            }
            _ => return self.unavailable(asked, &self.words(asked, fault)),
        };
        match self.meaning(asked, answer) {
            Meaning::Known(known) => known.error(answer),
            Meaning::Operator(words) => self.unavailable(asked, &words),
            Meaning::NotDone => StoreError::Unsupported {
                what: format!("{} by upstream {}", asked.operation.name(), self.name),
            },
            Meaning::Client => StoreError::Refused {
                code: answer.code.clone().unwrap_or_else(|| "InvalidRequest".to_owned()),
                message: answer.message.clone().unwrap_or_default(),
            },
        }
    }

    /// `Unavailable` with these words.
    pub(super) fn unavailable(&self, asked: &Asked, words: &str) -> StoreError {
        StoreError::Unavailable { what: self.placed(&asked.bucket, words) }
    }

    /// Words with the place that they are about.
    pub(super) fn placed(&self, bucket: &str, words: &str) -> String {
        let Self { name, endpoint, .. } = self;
        let endpoint = endpoint.as_deref().unwrap_or("AWS");
        format!("upstream {name} ({endpoint}), bucket {bucket}: {words}")
    }

    /// A fault in a sentence. It names what was asked only where that makes a difference to what
    /// is to be done, so that one cause has one sentence whatever is asked.
    pub(super) fn words(&self, asked: &Asked, fault: &Fault) -> String {
        let operation = asked.operation.name();
        match fault {
            Fault::Answered(answer) => match self.meaning(asked, answer) {
                Meaning::Operator(words) => words,
                _ => verbatim(asked, answer),
            },
            Fault::Garbled { status, what } => {
                format!("the answer (HTTP {status}) is not S3's: is the endpoint right? ({what})")
            }
            Fault::Unsendable { what } => format!("{operation} cannot be sent: {what}"),
            Fault::Late { what } => format!("the service {what}"),
            Fault::Silent { chain } => self.silence(chain),
        }
    }

    /// Whether an answer refuses whatever is asked of the bucket, so that it is the operator's
    /// matter and not about a permission.
    pub(super) fn is_about_all(&self, asked: &Asked, answer: &Answer) -> bool {
        let denied = answer.code.as_deref().is_some_and(is_denial)
            || answer.code.is_none() && matches!(answer.status, 401 | 403);
        !denied && matches!(self.meaning(asked, answer), Meaning::Operator(_))
    }

    fn meaning(&self, asked: &Asked, answer: &Answer) -> Meaning {
        match answer.code.as_deref() {
            Some(code) => self.meaning_of_code(asked, answer, code),
            None => self.meaning_of_status(asked, answer),
        }
    }

    fn meaning_of_code(&self, asked: &Asked, answer: &Answer, code: &str) -> Meaning {
        match code {
            "NoSuchKey" => Meaning::Known(Known::NoSuchKey),
            "NoSuchVersion" => Meaning::Known(Known::NoSuchVersion),
            "NoSuchUpload" => Meaning::Known(Known::NoSuchUpload),
            "PreconditionFailed" => Meaning::Known(Known::Precondition),
            "ConditionalRequestConflict" | "OperationAborted" => Meaning::Known(Known::Conflict),
            "InvalidRange" => Meaning::Known(Known::Range),
            "NotImplemented" if !is_about_framing(answer) => Meaning::NotDone,
            "InvalidObjectState" | "MethodNotAllowed" => Meaning::Client,
            _ => match self.operators(asked, answer, code) {
                Some(words) => Meaning::Operator(words),
                // Codes of a service's own about keys, rights and names.
                None if matches!(answer.status, 401 | 403 | 404) => {
                    Meaning::Operator(verbatim(asked, answer))
                }
                None if matches!(answer.status, 400..=499) && !is_about_framing(answer) => {
                    Meaning::Client
                }
                None => self.meaning_of_status(asked, answer),
            },
        }
    }

    /// Codes that are the operator's matter.
    fn operators(&self, asked: &Asked, answer: &Answer, code: &str) -> Option<String> {
        let operation = asked.operation.name();
        let key = self.key();
        Some(match code {
            code if is_denial(code) => {
                format!("{code} on {operation}: {key} needs {}", asked.permission())
            }
            // The last is versitygw's.
            "InvalidAccessKeyId" | "XAdminUserNotFound" => {
                format!("{code}: the service does not know {key}; correct access_key")
            }
            "SignatureDoesNotMatch" => {
                format!("{code}: the secret key does not belong to {key}; correct secret_key")
            }
            "ExpiredToken" | "TokenRefreshRequired" => {
                format!("{code}: the session token of {key} has run out")
            }
            // Of services of their own, whose keys belong to users.
            _ if ["AccessKey", "UserNotFound", "UserSuspended", "UserDisabled"]
                .iter()
                .any(|part| code.contains(part)) =>
            {
                format!("{code} on {operation}: the service does not know {key}, or refuses it")
            }
            "InvalidToken"
            | "InvalidSecurity"
            | "InvalidClientTokenId"
            | "NotSignedUp"
            | "AccountProblem"
            | "UnauthorizedAccess" => format!("{code}: the service refuses {key}"),
            "RequestTimeTooSkewed" | "RequestExpired" => format!(
                "{code}: this machine's clock differs from the service's; set it right (NTP)"
            ),
            "NoSuchBucket" => no_bucket(&asked.bucket),
            "InvalidBucketName" => {
                format!("{code}: {} cannot be a bucket's name there; correct it", asked.bucket)
            }
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "Redirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException" => self.elsewhere(answer, code),
            "SlowDown"
            | "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequests"
            | "BandwidthLimitExceeded" => format!("{code}: the service asks for fewer requests"),
            "QuotaExceeded"
            | "QuotaExceededException"
            | "InsufficientStorage"
            | "XMinioStorageFull" => format!("{code}: the service is full"),
            "IncompleteBody"
            | "RequestTimeout"
            | "InternalError"
            | "ServiceUnavailable"
            | "MissingContentLength"
            | "BadDigest"
            | "XAmzContentSHA256Mismatch"
            | "XAmzContentChecksumMismatch" => verbatim(asked, answer),
            _ => return None,
        })
    }

    /// Answers without a code: those to HEAD, and those of what is no S3 service.
    fn meaning_of_status(&self, asked: &Asked, answer: &Answer) -> Meaning {
        let operation = asked.operation.name();
        let status = answer.status;
        Meaning::Operator(match status {
            301 | 302 | 307 | 308 => self.elsewhere(answer, &format!("HTTP {status}")),
            200..=299 => {
                format!("the answer (HTTP {status}) is not S3's: is the endpoint right?")
            }
            412 => return Meaning::Known(Known::Precondition),
            416 => return Meaning::Known(Known::Range),
            501 if !is_about_framing(answer) => return Meaning::NotDone,
            401 | 403 => format!(
                "HTTP {status} on {operation}: {} needs {}, or it or its secret is wrong",
                self.key(),
                asked.permission()
            ),
            400 if answer.region.as_deref().is_some_and(|region| region != self.region) => {
                self.elsewhere(answer, "HTTP 400")
            }
            404 => "HTTP 404 without a reason: is the endpoint S3?".to_owned(),
            429 => "HTTP 429: the service asks for fewer requests".to_owned(),
            _ if is_about_framing(answer) => {
                format!("{}; set {FEWER_CHECKSUMS}", verbatim(asked, answer))
            }
            _ => verbatim(asked, answer),
        })
    }

    fn elsewhere(&self, answer: &Answer, code: &str) -> String {
        let region = answer.region.as_deref().or_else(|| answer.element("Region"));
        match (region, answer.element("Endpoint")) {
            (Some(region), _) if region != self.region => format!(
                "{code}: the bucket is in region {region}, not in {}; correct region",
                self.region
            ),
            (_, Some(endpoint)) => {
                format!("{code}: the bucket is reached at {endpoint}; correct endpoint")
            }
            _ => format!(
                "{code}: the bucket is not here; check region ({}), endpoint and path_style",
                self.region
            ),
        }
    }

    fn key(&self) -> String {
        match &self.access_key {
            Some(key) => format!("the key {key}"),
            None => "the key of the AWS default chain".to_owned(),
        }
    }

    /// What it means when nobody answered, by the words of the layers below.
    fn silence(&self, chain: &str) -> String {
        let text = chain.to_ascii_lowercase();
        let has = |words: &str| text.contains(words);
        let advice = if has("credential") || has("identity") {
            "there are no credentials: give access_key and secret_key, or what the AWS default \
             chain looks for"
        } else if has("invalidcontenttype") || has("wrong version number") {
            "the service does not speak TLS there: is it http:// instead of https://, or another \
             port?"
        } else if has("invalid peer certificate") || has("certificate") {
            certificate(&text)
        } else if has("received fatal alert") || has("handshake") {
            "no TLS connection came about: check port and TLS versions"
        } else if has("dns error") || has("failed to lookup") {
            "the endpoint's name cannot be resolved: check the name and the DNS"
        } else if has("connection refused") {
            "connection refused: is the service running, and are address and port right?"
        } else if has("connect timeout") {
            "no connection came about in time: do address and port lead there from here, and does \
             a firewall let it pass?"
        } else if has("timeout") || has("timed out") {
            return NO_ANSWER.to_owned();
        } else if has("unreachable") {
            "the network does not reach it"
        } else if has("invalid http") || has("message is incomplete") && self.is_clear() {
            "what answers does not speak HTTP: is it https:// instead of http://, or another port?"
        } else {
            "the connection broke"
        };
        format!("{advice} ({})", innermost(chain))
    }

    fn is_clear(&self) -> bool {
        self.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http:"))
    }
}

fn certificate(text: &str) -> &'static str {
    if text.contains("expired") {
        "the service's certificate has expired"
    } else if text.contains("notvalidforname") || text.contains("not valid for name") {
        "the service's certificate is for another name than the endpoint's"
    } else if text.contains("notvalidyet") {
        "the service's certificate is not valid yet: check this machine's clock"
    } else {
        "the service's certificate is not trusted: name its authority's in ca_file, or let the \
         system trust it"
    }
}

/// Codes that say that a permission is missing.
pub(super) fn is_denial(code: &str) -> bool {
    matches!(code, "AccessDenied" | "AllAccessDisabled" | "AccessForbidden" | "Forbidden")
}

/// The words that matter, without the SDK's names of its layers before them.
fn innermost(mut chain: &str) -> &str {
    while let Some(rest) = LAYERS.iter().find_map(|layer| chain.strip_prefix(layer)) {
        chain = rest;
    }
    chain
}

/// Words about a bucket that isn't there.
pub(super) fn no_bucket(bucket: &str) -> String {
    format!("NoSuchBucket: there is no bucket {bucket}; make it or correct its name")
}

/// The service's own words.
fn verbatim(asked: &Asked, answer: &Answer) -> String {
    let status = format!("HTTP {}", answer.status);
    let code = answer.code.as_deref().unwrap_or(&status);
    let operation = asked.operation.name();
    match answer.message.as_deref().filter(|message| !message.is_empty()) {
        Some(message) => format!("{code} on {operation}: {message}"),
        None => format!("{code} on {operation}"),
    }
}

/// Whether the service stumbles over the form in which the SDK sends bodies.
fn is_about_framing(answer: &Answer) -> bool {
    let message = answer.message.as_deref().unwrap_or_default().to_ascii_lowercase();
    ["trailer", "streaming-", "aws-chunked", "x-amz-content-sha256", "transfer-encoding"]
        .iter()
        .any(|word| message.contains(word))
}

impl Known {
    fn error(self, answer: &Answer) -> StoreError {
        match self {
            Self::NoSuchKey => StoreError::NoSuchKey,
            Self::NoSuchVersion => StoreError::NoSuchVersion,
            Self::NoSuchUpload => StoreError::NoSuchUpload,
            Self::Conflict => StoreError::Conflict,
            Self::Precondition => {
                let header = answer.condition().unwrap_or(ConditionHeader::IfMatch);
                StoreError::PreconditionFailed(header)
            }
            Self::Range => match answer.object_size() {
                Some(size) => StoreError::InvalidRange { size },
                None => StoreError::Refused {
                    code: "InvalidRange".to_owned(),
                    message: answer.message.clone().unwrap_or_default(),
                },
            },
        }
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
