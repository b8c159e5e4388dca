//! How objects are counted, what they cost, and how their URLs are made.

use std::collections::BTreeMap;

use toml::Spanned;

use super::document::Document;
use super::env::Env;
use super::error::ConfigError;
use super::file;
use crate::object::{KeyTemplate, KeyTemplates};

/// Stands for every bucket that has nothing of its own.
pub const EVERY_BUCKET: &str = "*";

/// How objects are counted, what they cost, and how their URLs are made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// What buckets' keys look like, by bucket; `*` is every other.
    pub templates: KeyTemplates,
    /// What a month costs.
    pub prices: Prices,
    /// Where buckets are for the public, by bucket; `*` is every other.
    pub links: BTreeMap<String, Links>,
}

/// What storing 1 GiB for a month costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    /// The currency, such as `USD`.
    pub currency: String,
    /// On this disk.
    pub local: Option<f64>,
    /// Upstream.
    pub s3: Option<f64>,
}

/// Where a bucket's objects are for the public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// What stands before every key in a URL that anyone may read, without a slash at the end: a
    /// CDN, or a web server in front.
    pub public: Option<String>,
    /// What stands before folder and name of a file that is no object.
    pub local: Option<String>,
}

impl Default for Prices {
    fn default() -> Self {
        Self { currency: "USD".to_owned(), local: None, s3: None }
    }
}

/// Reads what the file's buckets and its section `[usage]` say.
pub(super) fn build(
    env: &Env,
    buckets: &[Spanned<file::Bucket>],
    section: &file::Usage,
    document: &Document,
) -> Result<Usage, ConfigError> {
    let mut usage = Usage { prices: prices(section, document)?, ..Usage::default() };
    for bucket in buckets {
        let bucket = bucket.get_ref();
        let name = bucket.name.get_ref();
        if let Some(text) = &bucket.key_template {
            let template = KeyTemplate::parse(text.get_ref())
                .map_err(|why| document.error(&text.span(), why.to_string()))?;
            usage.templates.set(name, template);
        }
        let url = |text: &Option<Spanned<String>>, check: fn(&str) -> bool, form: &str| {
            let Some(text) = text else { return Ok(None) };
            let url = text.get_ref().trim_end_matches('/');
            if check(text.get_ref()) {
                return Ok(Some(url.to_owned()));
            }
            Err(document.error(&text.span(), format!("{:?} is not {form}", text.get_ref())))
        };
        let links = Links {
            public: url(&bucket.public_url, is_url, "a URL such as https://cdn.example.com/files")?,
            local: url(&bucket.local_url, is_place, "a path such as /static, or a URL")?,
        };
        if links != Links::default() {
            usage.links.insert(name.clone(), links);
        }
    }
    if let Some(text) = env.get("STOWGATE_KEY_TEMPLATE")? {
        let template = KeyTemplate::parse(&text)
            .map_err(|why| ConfigError::new("STOWGATE_KEY_TEMPLATE", why.to_string()))?;
        usage.templates.set(EVERY_BUCKET, template);
    }
    usage.templates.set_default(KeyTemplate::default());
    Ok(usage)
}

fn prices(section: &file::Usage, document: &Document) -> Result<Prices, ConfigError> {
    let price = |price: &Option<Spanned<Number>>| {
        let Some(price) = price else { return Ok(None) };
        let Number(value) = *price.get_ref();
        if value.is_finite() && (0.0..=1e6).contains(&value) {
            return Ok(Some(value));
        }
        Err(document.error(&price.span(), "is out of bounds: 0 to 1000000 for a GiB and month"))
    };
    let mut prices = Prices {
        local: price(&section.local_price)?,
        s3: price(&section.s3_price)?,
        ..Prices::default()
    };
    if let Some(currency) = &section.currency {
        let text = currency.get_ref();
        if text.len() != 3 || !text.bytes().all(|b| b.is_ascii_uppercase()) {
            let message = format!("{text:?} is not a currency such as USD");
            return Err(document.error(&currency.span(), message));
        }
        prices.currency.clone_from(text);
    }
    Ok(prices)
}

/// A number with or without a fraction.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Number(f64);

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && is_plain(rest))
}

fn is_place(text: &str) -> bool {
    is_url(text) || (text.starts_with('/') && !text.starts_with("//") && is_plain(text))
}

/// Whether nothing in it would end the path, or has to be encoded.
fn is_plain(text: &str) -> bool {
    text.len() <= 1024
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"?#\"<>\\^`{|}@".contains(&b))
}
