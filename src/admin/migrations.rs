//! `/storage/migrate-to-…` and `/storage/migrations/…`: the calls of migrations.

use std::sync::Arc;

use http::header::{LOCATION, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};

use super::Views;
use super::migrations_order::{self, Order};
use super::migrations_stream as stream;
use super::query::Parameters;
use super::reply::{Fault, json as reply};
use crate::body::Payload;
use crate::migrate::{Ask, Format, Migrations, OUTCOMES, Refusal, RefusalKind, View};
use crate::placement::transfer::Direction;

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called<'a> {
    Order(Direction),
    All,
    One(&'a str),
    Events(&'a str),
    Report(&'a str),
    Ask(&'a str, Ask),
    Limits(&'a str),
    /// Nothing that there is.
    Nothing(&'a str),
}

/// How many migrations are listed where nothing else is said, and at most.
const LISTED: usize = 100;
const MOST: usize = 1000;

impl<'a> Called<'a> {
    /// By the path below `/storage/`; `None` where it is no migration's.
    pub(super) fn named(path: &'a str) -> Option<Self> {
        let rest = match path {
            "migrate-to-s3" => return Some(Self::Order(Direction::ToS3)),
            "migrate-to-local" => return Some(Self::Order(Direction::ToLocal)),
            "migrations" => return Some(Self::All),
            other => other.strip_prefix("migrations/")?,
        };
        Some(match rest.split_once('/') {
            None => Self::One(rest),
            Some((id, "events")) => Self::Events(id),
            Some((id, "report")) => Self::Report(id),
            Some((id, "limits")) => Self::Limits(id),
            Some((id, "pause")) => Self::Ask(id, Ask::Pause),
            Some((id, "resume")) => Self::Ask(id, Ask::Run),
            Some((id, "cancel")) => Self::Ask(id, Ask::Cancel),
            Some((id, "rollback")) => Self::Ask(id, Ask::RollBack),
            Some((_, other)) => Self::Nothing(other),
        })
    }

    /// Answers a call that may be made.
    pub(super) async fn answer(
        self,
        views: &Views,
        head: &Parts,
        body: Payload,
    ) -> Response<Payload> {
        let posts = matches!(self, Self::Order(_) | Self::Ask(..) | Self::Limits(_));
        let (fits, allowed) = if posts {
            (head.method == Method::POST, "POST")
        } else {
            (matches!(head.method, Method::GET | Method::HEAD), "GET, HEAD")
        };
        if !fits && !matches!(self, Self::Nothing(_)) {
            return Fault::method(allowed).answer();
        }
        let has_body = body.length().is_none_or(|length| length > 0)
            && (body.length().is_some() || head.headers.contains_key(TRANSFER_ENCODING));
        if has_body && !matches!(self, Self::Order(_)) {
            let message = "parameters stand in the query; there is no body here";
            return Fault::parameter(message).answer();
        }
        let answered = match self {
            Self::Order(direction) => order(views, head, direction, has_body.then_some(body)).await,
            Self::Nothing(other) => Err(Fault::new(
                StatusCode::NOT_FOUND,
                "NoSuchResource",
                format!(
                    "a migration has no {other:?}; there are events, report, pause, resume, \
                     cancel, rollback and limits"
                ),
            )),
            called => called.known(views, head).await,
        };
        answered.unwrap_or_else(|fault| fault.answer())
    }

    async fn known(self, views: &Views, head: &Parts) -> Result<Response<Payload>, Fault> {
        let query = head.uri.query();
        let migrations = views.migrations.as_ref();
        match self {
            Self::All => all(migrations, query),
            Self::One(id) => {
                Parameters::parse(query, &[])?;
                Ok(reply(StatusCode::OK, &shown(&one(migrations, id)?)))
            }
            Self::Events(id) => {
                Parameters::parse(query, &[])?;
                let changes = migrations.and_then(|it| it.changes(id));
                Ok(stream::events(changes.ok_or_else(|| unknown(id))?))
            }
            Self::Report(id) => report(migrations, id, query),
            Self::Ask(id, ask) => {
                Parameters::parse(query, &[])?;
                let migrations = migrations.ok_or_else(|| unknown(id))?;
                let view = migrations.ask(id, ask).await.map_err(refused)?;
                let status =
                    if view.state.is_over() { StatusCode::OK } else { StatusCode::ACCEPTED };
                Ok(reply(status, &shown(&view)))
            }
            Self::Limits(id) => {
                let now = one(migrations, id)?.limits;
                let limits = migrations_order::new_limits(query, now)?;
                let migrations = migrations.ok_or_else(|| unknown(id))?;
                let view = migrations.limit(id, limits).await.map_err(refused)?;
                Ok(reply(StatusCode::OK, &shown(&view)))
            }
            Self::Order(_) | Self::Nothing(_) => Err(unknown("")),
        }
    }
}

async fn order(
    views: &Views,
    head: &Parts,
    direction: Direction,
    manifest: Option<Payload>,
) -> Result<Response<Payload>, Fault> {
    let order = migrations_order::order(head.uri.query(), direction, manifest.is_some())?;
    let Some(migrations) = &views.migrations else {
        let message = "no bucket has an upstream in the configuration";
        return Err(Fault::new(StatusCode::CONFLICT, "NoUpstream", message));
    };
    let view = match order {
        Order::Plan(spec) => {
            let view = migrations.plan(spec, manifest).await.map_err(refused)?;
            return Ok(reply(StatusCode::OK, &planned(&view)));
        }
        Order::Start(spec) => migrations.start(spec, manifest).await,
        Order::RunPlan(id, amendment) => migrations.run_plan(&id, direction, amendment).await,
    };
    let view = view.map_err(refused)?;
    let mut response = reply(StatusCode::ACCEPTED, &shown(&view));
    let location = format!("/storage/migrations/{}", view.id);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

fn all(
    migrations: Option<&Arc<Migrations>>,
    query: Option<&str>,
) -> Result<Response<Payload>, Fault> {
    let given = Parameters::parse(query, &["limit"])?;
    let what = format!("number from 1 to {MOST}");
    let limit = given.parsed("limit", &what, |text| {
        text.parse().ok().filter(|limit| (1..=MOST).contains(limit))
    })?;
    let views = migrations.map(|it| it.latest(limit.unwrap_or(LISTED))).unwrap_or_default();
    let views: Vec<Value> = views.iter().map(shown).collect();
    Ok(reply(StatusCode::OK, &json!({ "migrations": views })))
}

fn report(
    migrations: Option<&Arc<Migrations>>,
    id: &str,
    query: Option<&str>,
) -> Result<Response<Payload>, Fault> {
    let given = Parameters::parse(query, &["format", "outcome"])?;
    let format = given.parsed("format", "csv or ndjson", |text| match text {
        "csv" => Some(Format::Csv),
        "ndjson" => Some(Format::Ndjson),
        _ => None,
    })?;
    let outcomes = OUTCOMES.join(", ");
    let only = given.parsed("outcome", &format!("outcome; there are {outcomes}"), |text| {
        OUTCOMES.contains(&text).then(|| text.to_owned())
    })?;
    let format = format.unwrap_or(Format::Ndjson);
    let report = migrations.and_then(|it| it.report(id, format, only));
    let content_type = match format {
        Format::Csv => "text/csv; charset=utf-8",
        Format::Ndjson => "application/x-ndjson",
    };
    Ok(stream::report(report.ok_or_else(|| unknown(id))?, content_type))
}

fn one(migrations: Option<&Arc<Migrations>>, id: &str) -> Result<View, Fault> {
    migrations.and_then(|it| it.view(id)).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Fault {
    let message = format!("there is no migration {id:?}; GET /storage/migrations has all of them");
    Fault::new(StatusCode::NOT_FOUND, "NoSuchMigration", message)
}

fn refused(refusal: Refusal) -> Fault {
    let status = match refusal.kind {
        RefusalKind::Invalid => StatusCode::BAD_REQUEST,
        RefusalKind::Unknown => StatusCode::NOT_FOUND,
        RefusalKind::Conflict => StatusCode::CONFLICT,
        RefusalKind::NoRoom => StatusCode::INSUFFICIENT_STORAGE,
        RefusalKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Fault::new(status, refusal.fault.code, refusal.fault.message)
}

/// A migration as answers show it: `plan` is the plan's id, and `planned` what it comes to.
pub(super) fn shown(view: &View) -> Value {
    let mut value = serde_json::to_value(view).unwrap_or_default();
    if let Some(fields) = value.as_object_mut()
        && let Some(mut planned) = fields.remove("plan")
    {
        let id = planned.as_object_mut().and_then(|planned| planned.remove("id"));
        fields.insert("plan".to_owned(), id.unwrap_or_default());
        fields.insert("planned".to_owned(), planned);
    }
    value
}

/// What a dry run answers: the plan, and under which id it is run.
fn planned(view: &View) -> Value {
    let mut value = shown(view);
    if let Some(fields) = value.as_object_mut() {
        let planned = fields.remove("planned").unwrap_or_default();
        fields.remove("progress");
        fields.insert("dry_run".to_owned(), Value::Bool(true));
        if let Value::Object(planned) = planned {
            fields.extend(planned);
        }
    }
    value
}
