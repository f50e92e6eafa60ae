//! The ID token: whose it is, for whom, and until when (OpenID Connect Core 1.0, 3.1.3.7).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use crate::failure::shown;
use crate::keys::Keys;
use crate::signature::Algorithm;

/// What a provider says of a person.
pub type Claims = Map<String, Value>;

/// Longer ones are none: they would not fit a header anywhere.
const TOKEN_BYTES_MAX: usize = 64 << 10;
/// How far the provider's clock and ours may be apart, seconds.
const LEEWAY_S: i64 = 60;
/// A token is as new as the sign-in that asked for it, seconds.
const AGE_S_MAX: i64 = 600;

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) nonce: &'a str,
    /// Seconds since the Unix epoch.
    pub(crate) now_s: i64,
}

/// Why a token is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No key of the list has signed it; the list may be old.
    UnknownKey,
    /// What is wrong with it.
    Wrong(String),
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

/// A token that may be believed.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) claims: Claims,
    algorithm: Algorithm,
}

impl Token {
    /// Verifies a token and reads it.
    pub(crate) fn read(text: &str, keys: &Keys, expected: &Expected<'_>) -> Result<Token, Fault> {
        let parts: Vec<&str> = text.split('.').collect();
        let [head, body, signature] = parts[..] else {
            return wrong("it has not three parts");
        };
        if text.len() > TOKEN_BYTES_MAX {
            return wrong("it is too long");
        }
        let head: Head = part(head)?;
        if head.crit.is_some() {
            return wrong("it demands extensions (crit)");
        }
        if !is_jwt(head.typ.as_deref()) {
            return wrong("it is of another type than JWT");
        }
        let Some(algorithm) = Algorithm::named(&head.alg) else {
            return wrong(format!("its algorithm {:?} is not taken", shown(&head.alg)));
        };
        let message = &text.as_bytes()[..text.len() - signature.len() - 1];
        let signature = decoded(signature)?;
        let mut candidates = keys.of(head.kid.as_deref(), algorithm).peekable();
        if candidates.peek().is_none() {
            return Err(Fault::UnknownKey);
        }
        if !candidates.any(|key| algorithm.verifies(key, message, &signature)) {
            // Without a name the key may be a new one.
            return match head.kid {
                Some(_) => wrong("its signature is not right"),
                None => Err(Fault::UnknownKey),
            };
        }
        let claims: Claims = part(body)?;
        check(&claims, expected).map_err(Fault::Wrong)?;
        Ok(Token { claims, algorithm })
    }

    /// Whether an access token is the one that came with this token, as far as it says.
    pub(crate) fn goes_with(&self, access_token: &str) -> bool {
        let Some(said) = self.claims.get("at_hash") else {
            return true;
        };
        let hash = ring::digest::digest(self.algorithm.hash(), access_token.as_bytes());
        let half = &hash.as_ref()[..hash.as_ref().len() / 2];
        said.as_str() == Some(URL_SAFE_NO_PAD.encode(half).as_str())
    }
}

fn is_jwt(typ: Option<&str>) -> bool {
    typ.is_none_or(|typ| {
        let typ = typ.to_ascii_lowercase();
        typ == "jwt" || typ == "application/jwt"
    })
}

fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), String> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err(format!(
            "it is of the issuer {:?}",
            shown(text("iss").unwrap_or_default())
        ));
    }
    check_audience(claims, expected.client_id)?;
    check_times(claims, expected.now_s)?;
    let nonce = text("nonce").unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err("it answers another sign-in (nonce)".to_owned());
    }
    match text("sub") {
        Some(subject) if (1..=255).contains(&subject.len()) => Ok(()),
        _ => Err("it names nobody (sub)".to_owned()),
    }
}

/// For us, and, where it is for others too, made for us.
fn check_audience(claims: &Claims, own: &str) -> Result<(), String> {
    let (is_for_us, is_for_others) = match claims.get("aud") {
        Some(Value::String(one)) => (one == own, false),
        Some(Value::Array(all)) => (
            all.iter().any(|one| one.as_str() == Some(own)),
            all.len() > 1,
        ),
        _ => (false, false),
    };
    if !is_for_us {
        return Err("it is for another application (aud)".to_owned());
    }
    match claims.get("azp") {
        Some(party) if party.as_str() != Some(own) => {
            Err("it was made for another application (azp)".to_owned())
        }
        None if is_for_others => Err(
            "it is for several applications and does not say for which it was made (azp)"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

fn check_times(claims: &Claims, now_s: i64) -> Result<(), String> {
    let seconds = |name: &str| -> Result<Option<i64>, String> {
        let Some(value) = claims.get(name) else {
            return Ok(None);
        };
        let number = value.as_f64().filter(|number| (0.0..1e12).contains(number));
        let number = number.ok_or_else(|| format!("its {name} is no time"))?;
        Ok(Some(number as i64))
    };
    let end = seconds("exp")?.ok_or("it has no end (exp)")?;
    if end + LEEWAY_S <= now_s {
        return Err(format!("it has expired {} s ago", now_s - end));
    }
    let made = seconds("iat")?.ok_or("it does not say when it was made (iat)")?;
    if made > now_s + LEEWAY_S {
        let ahead = made - now_s;
        return Err(format!(
            "it was made {ahead} s from now: compare the clocks"
        ));
    }
    if made + AGE_S_MAX + LEEWAY_S < now_s {
        return Err(format!("it was made {} s ago", now_s - made));
    }
    match seconds("nbf")? {
        Some(begin) if begin > now_s + LEEWAY_S => Err("it is not valid yet (nbf)".to_owned()),
        _ => Ok(()),
    }
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_slice(&decoded(text)?).or_else(|_| wrong("a part of it is no JSON"))
}

fn decoded(text: &str) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD
        .decode(text)
        .or_else(|_| wrong("a part of it is no base64url"))
}

fn wrong<T>(why: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Wrong(why.into()))
}

#[cfg(test)]
#[path = "token/tests.rs"]
mod tests;
