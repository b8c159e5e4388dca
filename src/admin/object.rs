//! `/storage/objects/{bucket}/{key}` and `/storage/url`: where an object is, what became of it, and
//! where it can be read.

use std::time::Duration;

use http::header::HOST;
use http::request::Parts;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::access::Origin;
use super::query::Parameters;
use super::reply::{self, Fault};
use super::usage::backend;
use super::view::{Links, Views};
use super::{buckets, history};
use crate::auth::{Authenticator, LONGEST_PRESIGNED};
use crate::body::Payload;
use crate::object::percent::{self, Plus, Slash};
use crate::object::{BucketName, ObjectInfo, ObjectKey, Timestamp};
use crate::placement::location::{Remote, Task, Todo, Truth};
use crate::placement::{Location, Mode};
use crate::store::{GetRequest, ObjectPath, StoreError};

/// The parameters of an object.
pub(super) const PARAMETERS: &[&str] = &["history"];
/// The parameters of `/storage/url`.
pub(super) const URL_PARAMETERS: &[&str] = &["bucket", "name", "folder", "expires"];

/// The longest name.
const LONGEST_NAME: usize = 1024;

/// How long a presigned URL is valid where nothing else is said.
const VALID: Duration = Duration::from_hours(1);

/// What a request says of who asks, and of where the gateway is for them.
pub(super) struct Asker<'a> {
    pub(super) head: &'a Parts,
    pub(super) origin: Option<&'a Origin>,
    pub(super) authenticator: &'a Authenticator,
}

/// Where a key's object is.
struct Place {
    /// What the gateway knows without asking, where there is a record.
    record: Option<Location>,
    found: Found,
}

enum Found {
    Here(Box<ObjectInfo>),
    /// As it is recorded.
    Recorded(Box<Remote>),
    /// As the upstream answered: there is no record.
    Asked(Box<ObjectInfo>),
}

impl Found {
    fn is_away(&self) -> bool {
        !matches!(self, Self::Here(_))
    }

    /// When clients saw it stored.
    fn modified(&self) -> Timestamp {
        match self {
            Self::Here(object) | Self::Asked(object) => object.last_modified,
            Self::Recorded(remote) => remote.last_modified,
        }
    }
}

/// `GET /storage/objects/{bucket}/{key}`; `rest` is both, percent-encoded.
pub(super) async fn answer(
    views: &Views,
    rest: &str,
    parameters: &Parameters,
) -> Result<Response<Payload>, Fault> {
    let at = path(rest)?;
    let with_history = parameters.flag("history")?.unwrap_or(true);
    let place = match place(views, &at).await {
        Ok(place) => place,
        Err(fault) if with_history && fault.status == StatusCode::NOT_FOUND => {
            return Ok(fault.answer_with(past(views, &at).await?));
        }
        Err(fault) => return Err(fault),
    };
    let mut value = located(views, &at, &place);
    if with_history {
        let written = Some(place.found.modified());
        let told = history::of(views, &at, place.record.as_ref(), written).await?;
        if let (Some(fields), Value::Object(told)) = (value.as_object_mut(), json!(told)) {
            fields.extend(told);
        }
    }
    Ok(reply::json(StatusCode::OK, &value))
}

/// Where an object is.
fn located(views: &Views, at: &ObjectPath, place: &Place) -> Value {
    let target = views.routes.of(&at.bucket).upstream.as_ref().map(|it| (it.target)(&at.bucket));
    let (s3_bucket, s3_key) = match (&place.found, target) {
        (Found::Recorded(remote), _) => (Some(remote.bucket.clone()), Some(remote.key.clone())),
        (Found::Asked(_), Some((bucket, prefix))) => {
            (Some(bucket), Some(format!("{prefix}{}", at.key.as_str())))
        }
        _ => (None, None),
    };
    let record = place.record.as_ref();
    let modified = place.found.modified();
    let (etag, size) = match &place.found {
        Found::Here(object) | Found::Asked(object) => (object.etag.as_str(), object.size),
        Found::Recorded(remote) => (remote.etag.as_str(), remote.size),
    };
    let template = views.counting.template(&at.bucket);
    let labels = template.and_then(|template| template.labels(at.key.as_str())).unwrap_or_default();
    json!({
        "bucket": at.bucket.as_str(),
        "key": at.key.as_str(),
        "storage_backend": backend(place.found.is_away()),
        "s3_bucket": s3_bucket,
        "s3_key": s3_key,
        "etag": etag,
        "size": size,
        "last_modified": modified.iso8601(),
        "updated_at": record.map_or(modified, |record| record.updated_at).iso8601(),
        "company": labels.company,
        "type": labels.kind,
        "waiting": record.and_then(|record| record.todo.as_ref()).map(waiting),
    })
}

/// What is known of an object that is not there, as fields; none where that is nothing.
async fn past(views: &Views, at: &ObjectPath) -> Result<Map<String, Value>, Fault> {
    let record = views.home.entry(at).await.ok().flatten();
    let record = record.as_deref().and_then(|record| Location::decode(record).ok());
    let told = history::of(views, at, record.as_ref(), None).await?;
    match json!(told) {
        Value::Object(fields) if !told.history.is_empty() || !told.history_complete => Ok(fields),
        _ => Ok(Map::new()),
    }
}

fn waiting(todo: &Todo) -> Value {
    json!({
        "task": match todo.task {
            Task::Put => "put",
            Task::Delete => "delete",
        },
        "since": todo.since.iso8601(),
        "attempts": todo.attempts,
        "given_up": todo.failed,
    })
}

/// Bucket and key out of the rest of a path.
fn path(rest: &str) -> Result<ObjectPath, Fault> {
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    let decoded = |name: &str, text: &str| {
        percent::decode(text, Plus::Literal).map_err(|percent::Malformed| {
            Fault::parameter(format!("{name}: it is not percent-encoded UTF-8"))
        })
    };
    let refused = |name: &str, why: &dyn std::fmt::Display| {
        Fault::parameter(format!("{name}: {why}; the path is /storage/objects/BUCKET/KEY"))
    };
    let (bucket, key) = (decoded("bucket", bucket)?, decoded("key", key)?);
    Ok(ObjectPath {
        bucket: BucketName::parse(&bucket).map_err(|why| refused("bucket", &why))?,
        key: ObjectKey::parse(&key).map_err(|why| refused("key", &why))?,
    })
}

async fn place(views: &Views, at: &ObjectPath) -> Result<Place, Fault> {
    let record = views.home.entry(at).await.map_err(|error| missing(&error))?;
    let record = record.as_deref().map(Location::decode).transpose();
    let mut record = record.map_err(|error| missing(&error))?;
    let route = views.routes.of(&at.bucket);
    let truth = record.as_ref().map(|record| record.truth);
    if truth == Some(Truth::Gone) {
        return Err(missing(&StoreError::NoSuchKey));
    }
    let remote = record.as_mut().and_then(|record| record.remote.clone());
    if let (Some(Truth::Remote), Some(remote), true) =
        (truth, &remote, route.mode != Mode::Upstream)
    {
        return Ok(Place { record, found: Found::Recorded(Box::new(remote.clone())) });
    }
    let here = match views.home.head_object(at, &GetRequest::default()).await {
        Ok(head) => Some(head.object),
        Err(StoreError::NoSuchKey) => None,
        Err(error) => return Err(missing(&error)),
    };
    if let Some(object) = here.filter(|_| truth != Some(Truth::Remote)) {
        return Ok(Place { record, found: Found::Here(Box::new(object)) });
    }
    if let (Some(remote), true) = (remote, route.mode != Mode::Upstream) {
        return Ok(Place { record, found: Found::Recorded(Box::new(remote)) });
    }
    if route.upstream.is_none() || route.mode == Mode::Local {
        return Err(missing(&StoreError::NoSuchKey));
    }
    let head = views.store.head_object(at, &GetRequest::default()).await;
    let object = head.map_err(|error| missing(&error))?.object;
    Ok(Place { record, found: Found::Asked(Box::new(object)) })
}

fn missing(error: &StoreError) -> Fault {
    match error {
        StoreError::NoSuchKey => {
            let message = "there is no object of that key";
            Fault::new(StatusCode::NOT_FOUND, "NoSuchKey", message)
        }
        StoreError::Unavailable { what } => {
            Fault::new(StatusCode::SERVICE_UNAVAILABLE, "UpstreamUnavailable", what.clone())
        }
        error => buckets::unknown(error),
    }
}

/// `GET /storage/url`.
pub(super) async fn url(
    views: &Views,
    asker: &Asker<'_>,
    parameters: &Parameters,
) -> Result<Response<Payload>, Fault> {
    let bucket =
        parameters.bucket("bucket")?.ok_or_else(|| Fault::parameter("bucket is missing"))?;
    let name = parameters.get("name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Fault::parameter("name is missing"))?;
    if name.chars().count() > LONGEST_NAME {
        return Err(Fault::parameter(format!("name has more than {LONGEST_NAME} characters")));
    }
    let expires = parameters.number("expires", 1..=LONGEST_PRESIGNED.as_secs())?;
    let expires = expires.map_or(VALID, Duration::from_secs);
    let folder = parameters.get("folder").unwrap_or_default();
    let bucket = buckets::known(views, &bucket).await?;
    if name.starts_with("http") {
        return Ok(resolved(name, "unchanged", None, None));
    }
    let links = views.counting.links(&bucket);
    if !name.contains('/') {
        return local(&bucket, folder, name, links.as_ref(), asker);
    }
    let key = ObjectKey::parse(name).map_err(|why| Fault::parameter(format!("name: {why}")))?;
    let at = ObjectPath { bucket, key };
    let away = place(views, &at).await?.found.is_away();
    if let Some(public) = links.and_then(|links| links.public) {
        let url = format!("{public}/{}", percent::encode(at.key.as_str(), Slash::Keep));
        return Ok(resolved(&url, "public", Some(away), None));
    }
    let until = Timestamp(views.clock.now().0.saturating_add(millis(expires)));
    if away && let Some(url) = signed_upstream(views, &at, expires).await {
        return Ok(resolved(&url, "presigned", Some(true), Some(until)));
    }
    let (base, host) = gateway(asker)?;
    let (bucket, key) = (at.bucket.as_str(), at.key.as_str());
    let signed = asker.authenticator.presigned_get(&host, bucket, key, expires);
    let rest = signed.ok_or_else(|| {
        let message = "no key of the role admin is configured that could sign a URL, and the \
                       bucket has no public_url";
        Fault::new(StatusCode::CONFLICT, "NoSigningKey", message)
    })?;
    Ok(resolved(&format!("{base}{rest}"), "presigned", Some(away), Some(until)))
}

/// A file that is no object: its URL is made of the local base, folder and name.
fn local(
    bucket: &BucketName,
    folder: &str,
    name: &str,
    links: Option<&Links>,
    asker: &Asker<'_>,
) -> Result<Response<Payload>, Fault> {
    let in_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let is_plain = |part: &str| !part.is_empty() && part.bytes().all(in_name);
    if !folder.is_empty() && !folder.split('/').all(is_plain) {
        let message = "folder is made of letters, digits, - and _, with a / between its parts";
        return Err(Fault::parameter(format!("folder is {folder:?}; {message}")));
    }
    if matches!(name, "." | "..") {
        return Err(Fault::parameter(format!("name is {name:?}, which is no file")));
    }
    let base = match links.and_then(|links| links.local.clone()) {
        Some(base) => base,
        None => format!("{}/{bucket}", gateway(asker)?.0),
    };
    let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let url = format!("{base}/{}", percent::encode(&path, Slash::Keep));
    Ok(resolved(&url, "local", Some(false), None))
}

async fn signed_upstream(views: &Views, at: &ObjectPath, expires: Duration) -> Option<String> {
    let upstream = views.routes.of(&at.bucket).upstream.as_ref()?;
    let view = views.upstreams.iter().find(|view| view.name == upstream.name)?;
    match view.presigner.presigned_get(at, expires).await {
        Ok(url) => Some(url),
        Err(error) => {
            tracing::warn!(%error, "a URL at the upstream could not be signed");
            None
        }
    }
}

/// Where the gateway is for whoever asks: its URL, and the host that signatures hold for. The two
/// differ behind a proxy that names another host to the gateway than clients name to it.
fn gateway(asker: &Asker<'_>) -> Result<(String, String), Fault> {
    let header = asker.head.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = header.or_else(|| asker.head.uri.authority().map(http::uri::Authority::as_str));
    let host = host.ok_or_else(|| Fault::parameter("the request has no Host header"))?;
    let scheme = if asker.origin.is_some_and(|it| it.encrypted) { "https" } else { "http" };
    let public = asker.origin.and_then(|it| it.host.as_deref()).unwrap_or(host);
    Ok((format!("{scheme}://{public}"), host.to_owned()))
}

fn resolved(
    url: &str,
    kind: &str,
    away: Option<bool>,
    until: Option<Timestamp>,
) -> Response<Payload> {
    let value = json!({
        "url": url,
        "kind": kind,
        "storage_backend": away.map(backend),
        "expires_at": until.map(Timestamp::iso8601),
    });
    reply::json(StatusCode::OK, &value)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
