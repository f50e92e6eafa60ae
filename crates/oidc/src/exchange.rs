//! A code for tokens, and what else the provider says of a person.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::failure::{Failure, shown, untrusted};
use crate::metadata::{Authentication, Metadata};
use crate::pending::Pending;
use crate::provider::Config;
use crate::token::Claims;

/// What says something of the token, not of the person.
const OF_THE_TOKEN: [&str; 12] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "nonce",
    "azp",
    "at_hash",
    "c_hash",
    "auth_time",
    "jti",
];

/// What a code is exchanged for.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(crate) id_token: String,
    pub(crate) access_token: String,
    token_type: String,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
}

/// Exchanges a code.
pub(crate) async fn tokens(
    client: &outgoing::Client,
    config: &Config,
    metadata: &Metadata,
    pending: &Pending,
    code: &str,
    redirect: &str,
) -> Result<Tokens, Failure> {
    let request = asking(config, metadata, pending, code, redirect)?;
    let answer = client.send(request).await?;
    if !answer.status.is_success() {
        return Err(refused(answer.status, &answer.body));
    }
    let tokens: Tokens = serde_json::from_slice(&answer.body).map_err(|_| {
        untrusted(
            "the token endpoint's answer holds no ID token: access.oidc.scopes must have openid",
        )
    })?;
    match tokens.token_type.eq_ignore_ascii_case("bearer") {
        true => Ok(tokens),
        false => Err(untrusted("the access token is of another type than Bearer")),
    }
}

fn asking(
    config: &Config,
    metadata: &Metadata,
    pending: &Pending,
    code: &str,
    redirect: &str,
) -> Result<Request<Bytes>, Failure> {
    let secret = config.secret.read().map_err(untrusted)?;
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", redirect)
        .append_pair("code_verifier", &pending.verifier);
    let mut request = Request::post(metadata.token_endpoint.as_str())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json");
    match (metadata.authentication(&config.secret)?, &secret) {
        (Authentication::Basic, Some(secret)) => {
            request = request.header(AUTHORIZATION, basic(&config.client_id, secret));
        }
        (_, secret) => {
            form.append_pair("client_id", &config.client_id);
            if let Some(secret) = secret {
                form.append_pair("client_secret", secret);
            }
        }
    }
    let request = request.body(Bytes::from(form.finish()));
    request.map_err(|error| untrusted(format!("the token endpoint cannot be asked: {error}")))
}

/// What else the provider says of the same person.
pub(crate) async fn about(
    client: &outgoing::Client,
    endpoint: &Url,
    access_token: &str,
    claims: &mut Claims,
) -> Result<(), Failure> {
    let request = Request::get(endpoint.as_str())
        .header(AUTHORIZATION, format!("Bearer {access_token}"))
        .header(ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|error| untrusted(format!("the userinfo endpoint cannot be asked: {error}")))?;
    let answer = client.send(request).await?;
    if !answer.status.is_success() {
        let why = format!("the userinfo endpoint answered {}", answer.status.as_u16());
        return Err(untrusted(why));
    }
    let said: Claims = serde_json::from_slice(&answer.body).map_err(|_| {
        untrusted("the userinfo endpoint's answer is no JSON: signed answers are not understood")
    })?;
    merge(claims, said)
}

/// Adds what is not said yet; what the token says stays. That an e-mail is verified is said of the one that
/// stands beside it, and of no other.
pub(crate) fn merge(claims: &mut Claims, mut said: Claims) -> Result<(), Failure> {
    if said.get("sub").and_then(Value::as_str) != claims.get("sub").and_then(Value::as_str) {
        return Err(untrusted(
            "the userinfo endpoint speaks of somebody else (sub)",
        ));
    }
    match claims.get("email") {
        None if said.contains_key("email") => drop(claims.remove("email_verified")),
        own if own != said.get("email") => drop(said.remove("email_verified")),
        _ => {}
    }
    for (name, value) in said {
        if !OF_THE_TOKEN.contains(&name.as_str()) {
            claims.entry(name).or_insert(value);
        }
    }
    Ok(())
}

/// RFC 6749, 2.3.1: both parts are encoded as in a form first.
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(id), encoded(secret));
    format!("Basic {}", STANDARD.encode(pair))
}

fn refused(status: http::StatusCode, body: &[u8]) -> Failure {
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let code = shown(&refusal.error);
    let mend = match code.as_str() {
        "invalid_client" => ": client_id or the client's secret are not right",
        "invalid_grant" => {
            ": the code was used before, is too old, or was made for another address"
        }
        _ => "",
    };
    let status = status.as_u16();
    untrusted(format!("the token endpoint answered {status} {code}{mend}"))
}

#[cfg(test)]
mod tests {
    //! What userinfo adds, and what it cannot.
    use serde_json::json;

    use super::*;

    fn merged(token: &Value, said: &Value) -> Value {
        let mut claims = token.as_object().unwrap().clone();
        merge(&mut claims, said.as_object().unwrap().clone()).unwrap();
        Value::Object(claims)
    }

    #[test]
    fn an_email_is_verified_by_who_says_it() {
        let (ann, eve) = ("ann@example.com", "eve@example.com");
        for (token, said, expect) in [
            (
                json!({"sub": "1", "email": ann}),
                json!({"sub": "1", "email": eve, "email_verified": true, "groups": ["a"]}),
                json!({"sub": "1", "email": ann, "groups": ["a"]}),
            ),
            (
                json!({"sub": "1", "email": ann}),
                json!({"sub": "1", "email_verified": true}),
                json!({"sub": "1", "email": ann}),
            ),
            (
                json!({"sub": "1", "email": ann}),
                json!({"sub": "1", "email": ann, "email_verified": true}),
                json!({"sub": "1", "email": ann, "email_verified": true}),
            ),
            (
                json!({"sub": "1", "email_verified": true}),
                json!({"sub": "1", "email": eve}),
                json!({"sub": "1", "email": eve}),
            ),
            (
                json!({"sub": "1"}),
                json!({"sub": "1", "email": ann, "email_verified": true}),
                json!({"sub": "1", "email": ann, "email_verified": true}),
            ),
        ] {
            assert_eq!(merged(&token, &said), expect);
        }
    }
}
