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
        let Self { name, endpoint, .. } = self;
        let endpoint = endpoint.as_deref().unwrap_or("AWS");
        StoreError::Unavailable {
            what: format!("upstream {name} ({endpoint}), bucket {}: {words}", asked.bucket),
        }
    }

    /// A fault in a sentence.
    pub(super) fn words(&self, asked: &Asked, fault: &Fault) -> String {
        let operation = asked.operation.name();
        match fault {
            Fault::Answered(answer) => match self.meaning(asked, answer) {
                Meaning::Operator(words) => words,
                _ => verbatim(asked, answer),
            },
            Fault::Garbled { status, what } => format!(
                "the answer to {operation} (HTTP {status}) is not S3's: is the endpoint right? \
                 ({what})"
            ),
            Fault::Unsendable { what } => format!("{operation} cannot be sent: {what}"),
            Fault::Late { what } => format!("{what} ({operation})"),
            Fault::Silent { chain } => format!("{operation} failed: {}", self.silence(chain)),
        }
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
            "AccessDenied" | "AllAccessDisabled" | "AccessForbidden" | "Forbidden" => {
                format!("{code} on {operation}: {key} needs {}", asked.permission())
            }
            "InvalidAccessKeyId" => {
                format!("InvalidAccessKeyId on {operation}: the service does not know {key}")
            }
            "SignatureDoesNotMatch" => format!(
                "SignatureDoesNotMatch on {operation}: the secret key does not belong to {key}"
            ),
            "ExpiredToken" | "TokenRefreshRequired" => {
                format!("{code} on {operation}: the session token of {key} has run out")
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
            | "UnauthorizedAccess" => {
                format!("{code} on {operation}: the service refuses {key}")
            }
            "RequestTimeTooSkewed" | "RequestExpired" => format!(
                "{code} on {operation}: this machine's clock differs from the service's; set it \
                 right (NTP)"
            ),
            "NoSuchBucket" => format!(
                "NoSuchBucket on {operation}: there is no bucket {}; make it or correct its name",
                asked.bucket
            ),
            "InvalidBucketName" => {
                format!("InvalidBucketName on {operation}: correct the bucket's name")
            }
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "Redirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException" => self.elsewhere(asked, answer, code),
            "SlowDown"
            | "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequests"
            | "BandwidthLimitExceeded" => {
                format!("{code} on {operation}: the service asks for fewer requests")
            }
            "QuotaExceeded"
            | "QuotaExceededException"
            | "InsufficientStorage"
            | "XMinioStorageFull" => format!("{code} on {operation}: the service is full"),
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
            301 | 302 | 307 | 308 => self.elsewhere(asked, answer, &format!("HTTP {status}")),
            200..=299 => format!(
                "the answer to {operation} (HTTP {status}) is not S3's: is the endpoint right?"
            ),
            412 => return Meaning::Known(Known::Precondition),
            416 => return Meaning::Known(Known::Range),
            501 if !is_about_framing(answer) => return Meaning::NotDone,
            401 | 403 => format!(
                "AccessDenied on {operation}: {} needs {}, or its secret is wrong",
                self.key(),
                asked.permission()
            ),
            400 if answer.region.as_deref().is_some_and(|region| region != self.region) => {
                self.elsewhere(asked, answer, "HTTP 400")
            }
            404 => format!("{operation} was answered with 404 and no reason: is the endpoint S3?"),
            429 => format!("HTTP 429 on {operation}: the service asks for fewer requests"),
            _ if is_about_framing(answer) => {
                format!("{}; set checksums = false for this upstream", verbatim(asked, answer))
            }
            _ => verbatim(asked, answer),
        })
    }

    fn elsewhere(&self, asked: &Asked, answer: &Answer, code: &str) -> String {
        let operation = asked.operation.name();
        let region = answer.region.as_deref().or_else(|| answer.element("Region"));
        match (region, answer.element("Endpoint")) {
            (Some(region), _) if region != self.region => format!(
                "{code} on {operation}: the bucket is in region {region}, not in {}",
                self.region
            ),
            (_, Some(endpoint)) => {
                format!("{code} on {operation}: the bucket is reached at {endpoint}")
            }
            _ => format!(
                "{code} on {operation}: the bucket is not here; check region ({}), endpoint and \
                 path style",
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
            "the service does not speak TLS there: is it http instead of https, or another port?"
        } else if has("invalid peer certificate") || has("certificate") {
            certificate(&text)
        } else if has("received fatal alert") || has("handshake") {
            "no TLS connection came about: check port and TLS versions"
        } else if has("dns error") || has("failed to lookup") {
            "the endpoint's name cannot be resolved: check the name and the DNS"
        } else if has("connection refused") {
            "connection refused: is the service running, and are address and port right?"
        } else if has("connect timeout") {
            "no connection came about in time: is the service reachable from here?"
        } else if has("timeout") || has("timed out") {
            "no answer came in time"
        } else if has("unreachable") {
            "the network does not reach it"
        } else if has("invalid http") || has("message is incomplete") && self.is_clear() {
            "what answers is not an HTTP service: is it https instead of http?"
        } else {
            "the connection broke"
        };
        format!("{advice} ({chain})")
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
        "the service's certificate is not trusted: give its authority's certificate, or one that \
         the system trusts"
    }
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
