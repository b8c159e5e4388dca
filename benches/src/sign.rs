//! Signature Version 4 with an unsigned payload, for paths and queries that need no escaping.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

/// Who signs.
pub struct Signer {
    access_key: String,
    secret_key: String,
    region: String,
}

impl Signer {
    /// Signs for `region` with the given pair.
    pub fn new(access_key: &str, secret_key: &str, region: &str) -> Self {
        Self {
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            region: region.to_owned(),
        }
    }

    /// The header lines that authenticate a request now. `query` is canonical already: sorted,
    /// escaped, every name with its `=`.
    pub fn headers(&self, method: &str, host: &str, path: &str, query: &str) -> String {
        let now = OffsetDateTime::now_utc();
        let date = now.format(format_description!("[year][month][day]")).unwrap_or_default();
        let stamp = now
            .format(format_description!("[year][month][day]T[hour][minute][second]Z"))
            .unwrap_or_default();
        let signed = "host;x-amz-content-sha256;x-amz-date";
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n\
             x-amz-date:{stamp}\n\n{signed}\nUNSIGNED-PAYLOAD"
        );
        let scope = format!("{date}/{}/s3/aws4_request", self.region);
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}",
            hex::encode(Sha256::digest(canonical.as_bytes()))
        );
        let mut key = mac(format!("AWS4{}", self.secret_key).as_bytes(), date.as_bytes());
        for part in [self.region.as_str(), "s3", "aws4_request"] {
            key = mac(&key, part.as_bytes());
        }
        let signature = hex::encode(mac(&key, to_sign.as_bytes()));
        format!(
            "host: {host}\r\nx-amz-date: {stamp}\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n\
             authorization: AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, \
             Signature={signature}\r\n",
            self.access_key
        )
    }
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}
