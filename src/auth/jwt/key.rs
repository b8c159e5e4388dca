//! Keys that tokens are verified with: sets of public keys (RFC 7517), and shared secrets.

use std::fmt;

use aws_lc_rs::{hmac, signature};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::algorithm::{Algorithm, Family};
use crate::auth::Secret;

/// The most keys of a set.
const MOST: usize = 100;

/// A key.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyKey {
    pub(super) id: Option<String>,
    /// The only algorithm that it is for, where it says so.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Clone, PartialEq, Eq)]
enum Material {
    Secret(Secret),
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A set as it is written. What is no key that this gateway can use is left out.
#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl VerifyKey {
    /// A secret that both sides know.
    pub fn shared(secret: Secret) -> Self {
        Self { id: None, algorithm: None, material: Material::Secret(secret) }
    }

    /// The public keys of a set that signatures can be verified with; a set without any is an
    /// error, as what is no set is. A secret in a set, which whoever serves it should not show, is
    /// never taken.
    pub fn parse_set(text: &[u8]) -> Result<Vec<Self>, String> {
        let set: Set = serde_json::from_slice(text)
            .map_err(|_| "is no set of keys: JSON with a list \"keys\"".to_owned())?;
        if set.keys.len() > MOST {
            return Err(format!("has more than {MOST} keys"));
        }
        let keys: Vec<Self> = set.keys.into_iter().filter_map(Self::of).collect();
        if keys.is_empty() {
            return Err("has no public key for signatures: RSA of 2048 bits or more, EC on P-256 \
                        or P-384, or Ed25519"
                .to_owned());
        }
        Ok(keys)
    }

    fn of(entry: serde_json::Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(entry).ok()?;
        let signs = jwk.purpose.as_deref().is_none_or(|it| it == "sig");
        let verifies = jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|it| it == "verify"));
        if !signs || !verifies {
            return None;
        }
        let algorithm = match &jwk.alg {
            None => None,
            Some(name) => Some(Algorithm::named(name)?),
        };
        let material = jwk.material()?;
        Some(Self { id: jwk.kid, algorithm, material })
    }

    /// Whether it could have made a signature of that kind.
    pub(super) fn suits(&self, algorithm: Algorithm) -> bool {
        let fits = matches!(
            (&self.material, algorithm.family()),
            (Material::Secret(_), Family::Hmac(_))
                | (Material::Rsa { .. }, Family::Rsa(_))
                | (Material::P256(_), Family::P256)
                | (Material::P384(_), Family::P384)
                | (Material::Ed25519(_), Family::Ed25519)
        );
        fits && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether the signature is right, and of that kind.
    pub(super) fn verifies(&self, algorithm: Algorithm, text: &[u8], signature: &[u8]) -> bool {
        if !self.suits(algorithm) {
            return false;
        }
        let by = |kind: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            signature::UnparsedPublicKey::new(kind, key).verify(text, signature).is_ok()
        };
        match (&self.material, algorithm.family()) {
            (Material::Secret(secret), Family::Hmac(kind)) => {
                let key = hmac::Key::new(kind, secret.expose().as_bytes());
                hmac::verify(&key, text, signature).is_ok()
            }
            (Material::Rsa { modulus, exponent }, Family::Rsa(parameters)) => {
                let key = signature::RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(parameters, text, signature).is_ok()
            }
            (Material::P256(point), Family::P256) => by(&signature::ECDSA_P256_SHA256_FIXED, point),
            (Material::P384(point), Family::P384) => by(&signature::ECDSA_P384_SHA384_FIXED, point),
            (Material::Ed25519(point), Family::Ed25519) => by(&signature::ED25519, point),
            _ => false,
        }
    }
}

impl Jwk {
    fn material(&self) -> Option<Material> {
        let curve = self.crv.as_deref();
        match (self.kty.as_str(), curve) {
            ("RSA", _) => {
                let (modulus, exponent) =
                    (integer(self.n.as_deref())?, integer(self.e.as_deref())?);
                (modulus.len() >= 256).then_some(Material::Rsa { modulus, exponent })
            }
            ("EC", Some("P-256")) => self.point(32).map(Material::P256),
            ("EC", Some("P-384")) => self.point(48).map(Material::P384),
            ("OKP", Some("Ed25519")) => {
                bytes(self.x.as_deref()).filter(|x| x.len() == 32).map(Material::Ed25519)
            }
            _ => None,
        }
    }

    /// The uncompressed form of a point whose coordinates have that many bytes.
    fn point(&self, length: usize) -> Option<Vec<u8>> {
        let (x, y) = (bytes(self.x.as_deref())?, bytes(self.y.as_deref())?);
        let fits = x.len() == length && y.len() == length;
        fits.then(|| [&[4], x.as_slice(), y.as_slice()].concat())
    }
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyKey").field("id", &self.id).finish_non_exhaustive()
    }
}

fn bytes(text: Option<&str>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?.trim_end_matches('=')).ok()
}

/// A big-endian number without zeros in front, which some write there.
fn integer(text: Option<&str>) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).filter(|rest| !rest.is_empty()).map(<[u8]>::to_vec)
}
