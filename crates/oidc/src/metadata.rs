//! What the provider says of itself (OpenID Connect Discovery 1.0).

use serde::{Deserialize, Deserializer, de};
use url::Url;

use crate::failure::{Failure, shown, untrusted};
use crate::secret::ClientSecret;

const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// What is used of what the provider says of itself.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) issuer: String,
    #[serde(deserialize_with = "address_of")]
    pub(crate) authorization_endpoint: Url,
    #[serde(deserialize_with = "address_of")]
    pub(crate) token_endpoint: Url,
    #[serde(deserialize_with = "address_of")]
    pub(crate) jwks_uri: Url,
    #[serde(default, deserialize_with = "perhaps_address_of")]
    pub(crate) userinfo_endpoint: Option<Url>,
    #[serde(default, deserialize_with = "perhaps_address_of")]
    pub(crate) end_session_endpoint: Option<Url>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Whether the answer says which provider it is of (RFC 9207).
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

fn address_of<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
    Url::parse(&String::deserialize(from)?).map_err(de::Error::custom)
}

fn perhaps_address_of<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    let read = text.map(|text| Url::parse(&text)).transpose();
    read.map_err(de::Error::custom)
}

/// How we show the provider who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authentication {
    /// By PKCE alone.
    Nothing,
    /// In the head.
    Basic,
    /// In the body.
    Post,
}

/// Where a provider says what it is.
pub(crate) fn address(issuer: &str) -> String {
    format!("{}{WELL_KNOWN}", issuer.trim_end_matches('/'))
}

impl Metadata {
    /// Reads what `issuer` said.
    pub(crate) fn read(body: &[u8], issuer: &str) -> Result<Metadata, Failure> {
        let read: Metadata = serde_json::from_slice(body).map_err(|error| {
            let address = address(issuer);
            untrusted(format!("{address} does not describe a provider: {error}"))
        })?;
        if read.issuer != issuer {
            let own = shown(&read.issuer);
            let why = format!("the provider calls itself {own:?}: set access.oidc.issuer to that");
            return Err(untrusted(why));
        }
        Ok(read)
    }

    /// How the provider wants to be shown who we are.
    pub(crate) fn authentication(&self, secret: &ClientSecret) -> Result<Authentication, Failure> {
        if *secret == ClientSecret::None {
            return Ok(Authentication::Nothing);
        }
        // Said nothing, it is in the head.
        let Some(taken) = &self.token_endpoint_auth_methods_supported else {
            return Ok(Authentication::Basic);
        };
        let takes = |name: &str| taken.iter().any(|own| own == name);
        match (takes("client_secret_basic"), takes("client_secret_post")) {
            (true, _) => Ok(Authentication::Basic),
            (false, true) => Ok(Authentication::Post),
            _ => Err(untrusted(
                "the provider takes neither client_secret_basic nor client_secret_post",
            )),
        }
    }
}
