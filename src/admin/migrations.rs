//! `/storage/migrate-to-…` and `/storage/migrations/…`: the calls of migrations.

use std::sync::Arc;

use http::header::LOCATION;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::Views;
use super::cost;
use super::migrations_order::{self, Order};
use super::query::Parameters;
use super::reply::{Fault, json as reply};
use super::stream;
use crate::body::Payload;
use crate::migrate::{Ask, Migrations, OUTCOMES, Refusal, RefusalKind, View};
use crate::placement::transfer::Direction;

/// The parameters of a report.
pub(super) const REPORT: &[&str] = &["format", "outcome"];

/// How many migrations are listed where nothing else is said, and at most.
const LISTED: usize = 100;
const MOST: u64 = 1000;

/// `POST /storage/migrate-to-s3`, `/storage/migrate-to-local`; `manifest` is a list of keys that
/// came along.
pub(super) async fn order(
    views: &Views,
    parameters: &Parameters,
    direction: Direction,
    manifest: Option<Payload>,
) -> Result<Response<Payload>, Fault> {
    let order = migrations_order::order(parameters, direction, manifest.is_some())?;
    let Some(migrations) = &views.migrations else {
        let message = "no bucket has an upstream in the configuration";
        return Err(Fault::new(StatusCode::CONFLICT, "NoUpstream", message));
    };
    let view = match order {
        Order::Plan(spec) => {
            let view = migrations.plan(spec, manifest).await.map_err(refused)?;
            return Ok(reply(StatusCode::OK, &planned(views, &view)));
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

/// `GET /storage/migrations`: the newest first.
pub(super) fn all(views: &Views, parameters: &Parameters) -> Result<Response<Payload>, Fault> {
    let limit = parameters.number("limit", 1..=MOST)?;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(LISTED);
    let views = views.migrations.as_ref().map(|it| it.latest(limit)).unwrap_or_default();
    let views: Vec<Value> = views.iter().map(shown).collect();
    Ok(reply(StatusCode::OK, &json!({ "migrations": views })))
}

/// `GET /storage/migrations/{id}`.
pub(super) fn one(views: &Views, id: &str) -> Result<Response<Payload>, Fault> {
    let view = known(views, id)?.view(id).ok_or_else(|| unknown(id))?;
    Ok(reply(StatusCode::OK, &shown(&view)))
}

/// `GET /storage/migrations/{id}/events`.
pub(super) fn events(views: &Views, id: &str) -> Result<Response<Payload>, Fault> {
    let changes = known(views, id)?.changes(id);
    Ok(stream::events(changes.ok_or_else(|| unknown(id))?))
}

/// `POST /storage/migrations/{id}/pause`, `resume`, `cancel` and `rollback`.
pub(super) async fn ask(views: &Views, id: &str, ask: Ask) -> Result<Response<Payload>, Fault> {
    let view = known(views, id)?.ask(id, ask).await.map_err(refused)?;
    let status = if view.state.is_over() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(reply(status, &shown(&view)))
}

/// `POST /storage/migrations/{id}/limits`.
pub(super) async fn limit(
    views: &Views,
    id: &str,
    parameters: &Parameters,
) -> Result<Response<Payload>, Fault> {
    let migrations = known(views, id)?;
    let now = migrations.view(id).ok_or_else(|| unknown(id))?.limits;
    let limits = migrations_order::new_limits(parameters, now)?;
    let view = migrations.limit(id, limits).await.map_err(refused)?;
    Ok(reply(StatusCode::OK, &shown(&view)))
}

/// `GET /storage/migrations/{id}/report`.
pub(super) fn report(
    views: &Views,
    id: &str,
    given: &Parameters,
) -> Result<Response<Payload>, Fault> {
    let format = stream::format(given)?;
    let outcomes = OUTCOMES.join(", ");
    let only = given.parsed("outcome", &format!("outcome; there are {outcomes}"), |text| {
        OUTCOMES.contains(&text).then(|| text.to_owned())
    })?;
    let report = known(views, id)?.report(id, format, only);
    Ok(stream::report(report.ok_or_else(|| unknown(id))?, format))
}

fn known<'a>(views: &'a Views, id: &str) -> Result<&'a Arc<Migrations>, Fault> {
    views.migrations.as_ref().ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Fault {
    let message = format!("there is no migration {id:?}; GET /storage/migrations has all of them");
    Fault::new(StatusCode::NOT_FOUND, "NoSuchMigration", message)
}

pub(super) fn refused(refusal: Refusal) -> Fault {
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
fn planned(views: &Views, view: &View) -> Value {
    let mut value = shown(view);
    let cost = cost::of_plan(&views.counting.prices, view);
    if let Some(fields) = value.as_object_mut() {
        let planned = fields.remove("planned").unwrap_or_default();
        fields.remove("progress");
        fields.insert("dry_run".to_owned(), Value::Bool(true));
        if let Value::Object(planned) = planned {
            fields.extend(planned);
        }
        fields.insert("monthly_cost".to_owned(), cost);
    }
    value
}
