//! The provider's keys (RFC 7517).
//!
//! Invariant: a key is taken for signatures alone, and only of a kind that [`Algorithm`] knows; the rest
//! of a list is passed over, because providers list keys for other uses, too.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::failure::{Failure, untrusted};
use crate::signature::{Algorithm, Material};

/// More keys are no list of a provider.
const KEYS_MAX: usize = 100;

/// The keys of a provider that can sign tokens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys(Vec<Key>);

#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    /// The algorithm that it is for; `None`: all that fit.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Deserialize)]
struct Listed {
    keys: Vec<serde_json::Value>,
}

/// One key as it is listed.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Reads a list.
    pub(crate) fn read(body: &[u8]) -> Result<Keys, Failure> {
        let listed: Listed = serde_json::from_slice(body).map_err(|error| {
            untrusted(format!("the provider's list of keys is damaged: {error}"))
        })?;
        if listed.keys.len() > KEYS_MAX {
            let why = format!("the provider lists more than {KEYS_MAX} keys");
            return Err(untrusted(why));
        }
        let keys = listed.keys.into_iter().filter_map(key_of).collect();
        Ok(Keys(keys))
    }

    /// The keys that may have signed so: the one of that name, or without a name all that fit.
    pub(crate) fn of<'a>(
        &'a self,
        id: Option<&'a str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a Material> {
        let fits = move |key: &&Key| {
            let is_named = id.is_none() || key.id.as_deref() == id;
            let is_for = key.algorithm.is_none_or(|own| own == algorithm);
            is_named && is_for && algorithm.fits(&key.material)
        };
        self.0.iter().filter(fits).map(|key| &key.material)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

fn key_of(listed: serde_json::Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(listed).ok()?;
    let signs = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
    let verifies = jwk
        .key_ops
        .as_ref()
        .is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    let algorithm = match &jwk.alg {
        Some(name) => Some(Algorithm::named(name)?),
        None => None,
    };
    let material = material_of(&jwk)?;
    (signs && verifies).then_some(Key {
        id: jwk.kid,
        algorithm,
        material,
    })
}

fn material_of(jwk: &Jwk) -> Option<Material> {
    let bytes = |part: &Option<String>| URL_SAFE_NO_PAD.decode(part.as_ref()?).ok();
    match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => Some(Material::Rsa {
            n: bytes(&jwk.n)?,
            e: bytes(&jwk.e)?,
        }),
        ("EC", Some("P-256")) => Some(Material::P256(point(bytes(&jwk.x)?, bytes(&jwk.y)?, 32)?)),
        ("EC", Some("P-384")) => Some(Material::P384(point(bytes(&jwk.x)?, bytes(&jwk.y)?, 48)?)),
        ("OKP", Some("Ed25519")) => Some(Material::Ed25519(bytes(&jwk.x)?)),
        _ => None,
    }
}

/// An uncompressed point (SEC 1).
fn point(x: Vec<u8>, y: Vec<u8>, bytes: usize) -> Option<Vec<u8>> {
    (x.len() == bytes && y.len() == bytes).then(|| [&[4][..], &x, &y].concat())
}
