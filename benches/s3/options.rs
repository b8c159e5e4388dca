//! The command line.

use std::time::Duration;

use crate::Result;
use crate::client::Endpoint;

pub const USAGE: &str = "\
cargo bench --bench s3 -- --endpoint NAME,HOST:PORT,ACCESS_KEY,SECRET_KEY,PID [--endpoint …]
    [--only put,get,list] [--seconds 5] [--keys 1000000]";

/// What to measure, and where.
pub struct Options {
    pub endpoints: Vec<Endpoint>,
    pub seconds: Duration,
    /// How many keys the bucket holds whose listing is measured.
    pub keys: u32,
    only: Option<Vec<String>>,
}

impl Options {
    /// `None` where nothing to measure was named.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>> {
        let mut options = Self {
            endpoints: Vec::new(),
            seconds: Duration::from_secs(5),
            keys: 1_000_000,
            only: None,
        };
        while let Some(flag) = words.next() {
            let value = words.next().ok_or_else(|| format!("{flag} needs a value\n{USAGE}"))?;
            match flag.as_str() {
                "--endpoint" => options.endpoints.push(Endpoint::parse(&value)?),
                "--only" => options.only = Some(value.split(',').map(str::to_owned).collect()),
                "--seconds" => options.seconds = Duration::from_secs(value.parse()?),
                "--keys" => options.keys = value.parse()?,
                _ => return Err(format!("{flag} is no option\n{USAGE}").into()),
            }
        }
        Ok((!options.endpoints.is_empty()).then_some(options))
    }

    pub fn wants(&self, kind: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|named| named == kind))
    }
}
