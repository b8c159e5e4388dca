//! Signature Version 4 for unsigned payloads, with the day's key derived once.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::Result;

/// Signs one endpoint's requests.
pub struct Signer {
    access_key: String,
    scope: String,
    key: [u8; 32],
}

impl Signer {
    pub fn new(access_key: &str, secret_key: &str) -> Result<Self> {
        let date = OffsetDateTime::now_utc().format(format_description!("[year][month][day]"))?;
        let mut key = format!("AWS4{secret_key}").into_bytes();
        for part in [date.as_str(), "us-east-1", "s3", "aws4_request"] {
            key = mac(&key, part.as_bytes()).to_vec();
        }
        let key = key.try_into().map_err(|_| "a key of another length")?;
        Ok(Self {
            access_key: access_key.to_owned(),
            scope: format!("{date}/us-east-1/s3/aws4_request"),
            key,
        })
    }

    /// The head of a request. `query` is canonical already.
    pub fn head(
        &self,
        method: &str,
        path: &str,
        query: &str,
        host: &str,
        length: usize,
    ) -> Result<String> {
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let now = OffsetDateTime::now_utc().format(format)?;
        let signed = "host;x-amz-content-sha256;x-amz-date";
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n\
             x-amz-date:{now}\n\n{signed}\nUNSIGNED-PAYLOAD"
        );
        let digest = hex::encode(Sha256::digest(canonical.as_bytes()));
        let text = format!("AWS4-HMAC-SHA256\n{now}\n{}\n{digest}", self.scope);
        let signature = hex::encode(mac(&self.key, text.as_bytes()));
        let mark = if query.is_empty() { "" } else { "?" };
        Ok(format!(
            "{method} {path}{mark}{query} HTTP/1.1\r\nhost: {host}\r\nx-amz-date: {now}\r\n\
             x-amz-content-sha256: UNSIGNED-PAYLOAD\r\ncontent-length: {length}\r\n\
             authorization: AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={signed}, \
             Signature={signature}\r\n\r\n",
            self.access_key, self.scope
        ))
    }
}

fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    #[allow(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}
