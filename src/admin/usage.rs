//! `/storage/usage-by-company` and `/storage/stats`: objects and bytes by company, type, backend
//! and month, with what they cost.
//!
//! What this gateway stores or records is told by counters. What a bucket in mode `upstream` holds
//! others may have put there: that is told by a listing, with its date.

use std::collections::BTreeMap;

use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::cost::{self, Stored};
use super::query::Parameters;
use super::reply::{self, Fault};
use super::view::Views;
use super::{buckets, survey};
use crate::body::Payload;
use crate::object::{BucketName, Month, Timestamp};
use crate::placement::Mode;
use crate::store::local::{Accuracy, BucketUsage, SplitUsage, UsageRow};

/// The parameters of both calls.
pub(super) const PARAMETERS: &[&str] = &["bucket", "company", "type", "month", "storage_backend"];

/// Which objects are asked for.
#[derive(Debug, Default)]
struct Filter {
    bucket: Option<BucketName>,
    company: Option<String>,
    kind: Option<String>,
    month: Option<Month>,
    away: Option<bool>,
}

/// What is known of a bucket.
struct Figures {
    bucket: BucketName,
    template: Option<String>,
    rows: Vec<UsageRow>,
    from: From,
}

/// Where figures come from.
enum From {
    Counters { accuracy: Accuracy, recounted: Option<u64> },
    Listing { as_of: Option<Timestamp>, listing: bool },
}

/// `GET /storage/usage-by-company`.
pub(super) async fn by_company(
    views: &Views,
    parameters: &Parameters,
) -> Result<Response<Payload>, Fault> {
    let figures = figures(views, &Filter::read(parameters)?).await?;
    let mut companies: BTreeMap<Option<&str>, Vec<&UsageRow>> = BTreeMap::new();
    for row in figures.iter().flat_map(|figures| &figures.rows) {
        companies.entry(row.company.as_deref()).or_default().push(row);
    }
    let companies: Vec<Value> = companies
        .into_iter()
        .map(|(company, rows)| {
            let mut value = totals(views, &rows);
            value.insert("company".to_owned(), json!(company));
            Value::Object(value)
        })
        .collect();
    let mut answer = dated(views, &figures);
    answer.insert("companies".to_owned(), Value::Array(companies));
    Ok(reply::json(StatusCode::OK, &answer))
}

/// `GET /storage/stats`.
pub(super) async fn stats(
    views: &Views,
    parameters: &Parameters,
) -> Result<Response<Payload>, Fault> {
    let figures = figures(views, &Filter::read(parameters)?).await?;
    let rows: Vec<&UsageRow> = figures.iter().flat_map(|figures| &figures.rows).collect();
    let mut answer = totals(views, &rows);
    answer.extend(dated(views, &figures));
    Ok(reply::json(StatusCode::OK, &answer))
}

impl Filter {
    fn read(parameters: &Parameters) -> Result<Self, Fault> {
        let month = match parameters.get("month") {
            None => None,
            Some(text) => Some(Month::parse(text).ok_or_else(|| {
                Fault::parameter(format!("month is {text:?}, which is no month such as 2025-03"))
            })?),
        };
        let text = |name| parameters.get(name).map(str::to_owned);
        Ok(Self {
            bucket: parameters.bucket("bucket")?,
            company: text("company"),
            kind: text("type"),
            month,
            away: parameters.away()?,
        })
    }

    fn takes(&self, row: &UsageRow) -> bool {
        let fits = |wanted: &Option<String>, label: &Option<String>| {
            wanted.as_deref().is_none_or(|wanted| wanted == label.as_deref().unwrap_or_default())
        };
        fits(&self.company, &row.company)
            && fits(&self.kind, &row.kind)
            && self.month.is_none_or(|month| month == row.month)
            && self.away.is_none_or(|away| away == row.away)
    }
}

async fn figures(views: &Views, filter: &Filter) -> Result<Vec<Figures>, Fault> {
    let names = match &filter.bucket {
        Some(bucket) => vec![buckets::known(views, bucket).await?],
        None => buckets::names(views).await?,
    };
    let mut all: Vec<Figures> = names.into_iter().map(|name| of_bucket(views, name)).collect();
    for figures in &mut all {
        figures.rows.retain(|row| filter.takes(row));
    }
    Ok(all)
}

fn of_bucket(views: &Views, bucket: BucketName) -> Figures {
    if views.routes.of(&bucket).mode == Mode::Upstream {
        let found = survey::latest(views, &bucket);
        let template = views.counting.template(&bucket).map(ToString::to_string);
        let from = From::Listing { as_of: found.as_of, listing: found.listing };
        return Figures { bucket, template, rows: found.rows, from };
    }
    let Some(SplitUsage { template, rows, accuracy, recounted }) = views.disk.split(&bucket) else {
        let from = From::Counters { accuracy: Accuracy::Unknown, recounted: None };
        return Figures { bucket, template: None, rows: Vec::new(), from };
    };
    let from = From::Counters { accuracy, recounted };
    Figures { bucket, template: template.map(|it| it.to_string()), rows, from }
}

/// Sums of some rows, in every direction.
fn totals(views: &Views, rows: &[&UsageRow]) -> Map<String, Value> {
    let label = |label: &Option<String>| label.clone().unwrap_or_default();
    let sum = total(rows.iter().map(|row| &row.usage));
    let mut value = Map::new();
    value.insert("objects".to_owned(), json!(sum.objects));
    value.insert("bytes".to_owned(), json!(sum.bytes));
    value.insert("by_type".to_owned(), grouped(rows, |row| label(&row.kind)));
    value.insert("by_backend".to_owned(), grouped(rows, |row| backend(row.away).to_owned()));
    value.insert("by_month".to_owned(), grouped(rows, |row| row.month.to_string()));
    value.insert("monthly_cost".to_owned(), monthly_cost(views, rows));
    value
}

fn grouped(rows: &[&UsageRow], name: impl Fn(&UsageRow) -> String) -> Value {
    let mut groups: BTreeMap<String, Vec<&BucketUsage>> = BTreeMap::new();
    for row in rows {
        groups.entry(name(row)).or_default().push(&row.usage);
    }
    let shown = |(name, usages): (String, Vec<&BucketUsage>)| {
        let BucketUsage { objects, bytes } = total(usages.into_iter());
        (name, json!({ "objects": objects, "bytes": bytes }))
    };
    Value::Object(groups.into_iter().map(shown).collect())
}

fn total<'a>(usages: impl Iterator<Item = &'a BucketUsage>) -> BucketUsage {
    usages.fold(BucketUsage::default(), |sum, usage| BucketUsage {
        objects: sum.objects.saturating_add(usage.objects),
        bytes: sum.bytes.saturating_add(usage.bytes),
    })
}

/// What a backend is called in answers and parameters.
pub(super) fn backend(away: bool) -> &'static str {
    if away { "s3" } else { "local" }
}

/// What storing this costs in a month, as far as prices are configured.
fn monthly_cost(views: &Views, rows: &[&UsageRow]) -> Value {
    let of = |away: bool| {
        let rows = rows.iter().filter(|row| row.away == away);
        total(rows.map(|row| &row.usage)).bytes
    };
    cost::monthly(&views.counting.prices, Stored { local: of(false), s3: of(true) })
}

/// How far the figures of all buckets can be believed, and why.
fn dated(views: &Views, figures: &[Figures]) -> Map<String, Value> {
    let now = views.clock.now();
    let exact = figures.iter().all(Figures::is_exact);
    // Never known is older than anything.
    let oldest = figures.iter().map(|figures| figures.as_of(now)).min();
    let as_of = oldest.unwrap_or(Some(now));
    let mut value = Map::new();
    value.insert("exact".to_owned(), json!(exact));
    value.insert("as_of".to_owned(), json!(as_of.map(Timestamp::iso8601)));
    let buckets = figures.iter().map(|figures| figures.source(now)).collect();
    value.insert("buckets".to_owned(), Value::Array(buckets));
    value
}

impl Figures {
    fn is_exact(&self) -> bool {
        matches!(self.from, From::Counters { accuracy: Accuracy::Exact, .. })
    }

    /// When the figures held; `None` where nothing is known yet.
    fn as_of(&self, now: Timestamp) -> Option<Timestamp> {
        match self.from {
            From::Counters { accuracy: Accuracy::Exact, .. } => Some(now),
            From::Counters { accuracy: Accuracy::AsOf(then), .. } => Some(then),
            From::Counters { accuracy: Accuracy::Unknown, .. } => None,
            From::Listing { as_of, .. } => as_of,
        }
    }

    fn source(&self, now: Timestamp) -> Value {
        let (source, state) = match self.from {
            From::Counters { accuracy: Accuracy::Exact, .. } => ("counters", "exact"),
            From::Counters { recounted: Some(_), .. } => ("counters", "recounting"),
            From::Counters { accuracy: Accuracy::AsOf(_), .. } => ("counters", "dated"),
            From::Counters { accuracy: Accuracy::Unknown, .. } => ("counters", "unknown"),
            From::Listing { listing: true, .. } => ("listing", "listing"),
            From::Listing { as_of: Some(_), .. } => ("listing", "dated"),
            From::Listing { as_of: None, .. } => ("listing", "unknown"),
        };
        let sum = total(self.rows.iter().map(|row| &row.usage));
        json!({
            "name": self.bucket.as_str(),
            "key_template": self.template,
            "source": source,
            "state": state,
            "as_of": self.as_of(now).map(Timestamp::iso8601),
            "objects": sum.objects,
            "bytes": sum.bytes,
        })
    }
}
