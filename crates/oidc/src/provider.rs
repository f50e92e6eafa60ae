//! The provider: beginning and finishing a sign-in.

use std::sync::Arc;
use std::time::Duration;

use base::Clock;
use serde_json::Value;
use tokio::sync::Semaphore;
use url::Url;

use crate::exchange;
use crate::failure::{Failure, shown, untrusted};
use crate::hints::Hints;
use crate::metadata::Metadata;
use crate::pending::{Pending, Seal};
use crate::secret::ClientSecret;
use crate::source::{Known, Source};
use crate::token::{Claims, Expected, Fault, Token};

/// So many sign-ins are finished at once, and others wait so long for a place.
const AT_ONCE: usize = 16;
const PLACE_WAIT: Duration = Duration::from_secs(5);

/// What is set about a provider.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the provider calls itself, to the letter.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// By which it knows us.
    pub secret: ClientSecret,
    /// What is asked for; `openid` among them.
    pub scopes: Vec<String>,
    /// Claims without which the provider is asked for more than the token says.
    pub wanted: Vec<String>,
}

/// Somebody who is on their way to the provider.
#[derive(Debug)]
pub struct Sent {
    /// Where their browser goes.
    pub to: Url,
    /// What it brings back in a cookie.
    pub sealed: String,
}

/// Somebody who has come back.
pub struct Returned {
    /// What the provider says of them; `iss` and `sub` are who they are.
    pub claims: Claims,
    /// Where they wanted to go, a path of ours.
    pub to: String,
    /// For [`Provider::signed_in`].
    pub id_token: String,
}

/// A provider that people sign in by.
pub struct Provider {
    config: Config,
    /// Our own address, without a slash at its end.
    own: String,
    redirect: String,
    source: Source,
    clock: Arc<dyn Clock>,
    seal: Seal,
    places: Semaphore,
    hints: Hints,
}

impl Provider {
    /// A provider; `own` is the address under which browsers reach us, `callback` a path of it, and
    /// `key` seals sign-ins that are under way.
    #[must_use]
    pub fn new(
        config: Config,
        own: &str,
        callback: &str,
        client: outgoing::Client,
        clock: Arc<dyn Clock>,
        key: &[u8; 32],
    ) -> Provider {
        let own = own.trim_end_matches('/').to_owned();
        Provider {
            redirect: format!("{own}{callback}"),
            own,
            source: Source::new(client, Arc::clone(&clock), &config.issuer),
            config,
            clock,
            seal: Seal::new(key),
            places: Semaphore::new(AT_ONCE),
            hints: Hints::default(),
        }
    }

    /// What it calls itself.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// Our own address, without a slash at its end.
    #[must_use]
    pub fn own_address(&self) -> &str {
        &self.own
    }

    /// Where the provider sends people back to, as it must be registered there.
    #[must_use]
    pub fn redirect(&self) -> &str {
        &self.redirect
    }

    /// Begins a sign-in that leads to a path of ours.
    ///
    /// # Errors
    /// The provider cannot be asked, or what it says of itself is wrong.
    pub async fn begin(&self, to: &str) -> Result<Sent, Failure> {
        let known = self.source.known().await?;
        let pending = Pending::begin(to, self.now_ms()).map_err(|e| untrusted(e.to_string()))?;
        let mut address = known.metadata.authorization_endpoint.clone();
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("scope", &self.config.scopes.join(" "))
            .append_pair("state", &pending.state)
            .append_pair("nonce", &pending.nonce)
            .append_pair("code_challenge", &pending.challenge())
            .append_pair("code_challenge_method", "S256");
        let sealed = self.seal.close(&pending);
        Ok(Sent {
            to: address,
            sealed: sealed.map_err(|error| untrusted(error.to_string()))?,
        })
    }

    /// Finishes a sign-in: `sealed` is the cookie, `query` what the provider sent back.
    ///
    /// # Errors
    /// Why nobody is signed in.
    pub async fn finish(&self, sealed: &str, query: &str) -> Result<Returned, Failure> {
        let _place = tokio::time::timeout(PLACE_WAIT, self.places.acquire())
            .await
            .map_err(|_| Failure::Unreachable("too many are signing in at once".to_owned()))?;
        let pending = self.seal.open(sealed)?;
        let answer = Answer::read(query);
        pending.check(answer.get("state"), self.now_ms())?;
        let known = self.source.known().await?;
        self.check_issuer(&known.metadata, &answer)?;
        if let Some(error) = answer.find("error") {
            return Err(Failure::Denied(shown(error)));
        }
        let code = answer.get("code");
        if code.is_empty() {
            return Err(untrusted("the provider sent no code"));
        }
        let (client, config) = (self.source.client(), &self.config);
        let tokens = exchange::tokens(
            client,
            config,
            &known.metadata,
            &pending,
            code,
            &self.redirect,
        );
        let tokens = tokens.await?;
        let token = self.verified(&known, &tokens.id_token, &pending).await?;
        let mut claims = token.claims.clone();
        let lacks = |name: &String| !claims.contains_key(name);
        if let Some(endpoint) = &known.metadata.userinfo_endpoint
            && config.wanted.iter().any(lacks)
        {
            if !token.goes_with(&tokens.access_token) {
                return Err(untrusted(
                    "the access token is not the ID token's (at_hash)",
                ));
            }
            exchange::about(client, endpoint, &tokens.access_token, &mut claims).await?;
        }
        Ok(Returned {
            claims,
            to: pending.to,
            id_token: tokens.id_token,
        })
    }

    /// Who has come back is let in by this session, by its id in lists.
    pub fn signed_in(&self, session: &str, id_token: String) {
        self.hints.keep(session, id_token);
    }

    /// Where a browser goes to end its session at the provider, if the provider offers that.
    pub async fn end_session(&self, session: &str) -> Option<Url> {
        let hint = self.hints.take(session);
        let known = self.source.known().await.ok()?;
        let mut address = known.metadata.end_session_endpoint.clone()?;
        if let Some(hint) = hint {
            address
                .query_pairs_mut()
                .append_pair("id_token_hint", &hint);
        }
        address
            .query_pairs_mut()
            .append_pair("client_id", &self.config.client_id)
            .append_pair("post_logout_redirect_uri", &format!("{}/", self.own));
        Some(address)
    }

    /// Asks the provider what it is, and for its keys; says how many of these can be used.
    ///
    /// # Errors
    /// What is wrong, and how to mend it.
    pub async fn probe(&self) -> Result<usize, Failure> {
        self.config.secret.read().map_err(untrusted)?;
        let known = self.source.fetch().await?;
        known.metadata.authentication(&self.config.secret)?;
        match known.keys.len() {
            0 => Err(untrusted("the provider lists no key that can be used")),
            number => Ok(number),
        }
    }

    /// An answer of another provider is not taken for one of this (mix-up, RFC 9207).
    fn check_issuer(&self, metadata: &Metadata, answer: &Answer) -> Result<(), Failure> {
        match answer.find("iss") {
            Some(issuer) if issuer != metadata.issuer => {
                Err(untrusted("the answer is of another provider (iss)"))
            }
            None if metadata.authorization_response_iss_parameter_supported => Err(untrusted(
                "the answer does not say of which provider it is (iss)",
            )),
            _ => Ok(()),
        }
    }

    async fn verified(
        &self,
        known: &Known,
        text: &str,
        pending: &Pending,
    ) -> Result<Token, Failure> {
        let expected = Expected {
            issuer: &known.metadata.issuer,
            client_id: &self.config.client_id,
            nonce: &pending.nonce,
            now_s: (self.now_ms() / 1000) as i64,
        };
        let read = match Token::read(text, &known.keys, &expected) {
            Err(Fault::UnknownKey) => {
                Token::read(text, &*self.source.newer_keys(known).await?, &expected)
            }
            read => read,
        };
        read.map_err(|fault| match fault {
            Fault::UnknownKey => {
                untrusted("the ID token is signed with a key that the provider does not list")
            }
            Fault::Wrong(why) => untrusted(format!("the ID token is not taken: {why}")),
        })
    }

    fn now_ms(&self) -> u64 {
        self.clock.now_unix_ns() / 1_000_000
    }
}

/// What the provider sent back.
struct Answer(Vec<(String, String)>);

impl Answer {
    fn read(query: &str) -> Answer {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        Answer(pairs.into_owned().collect())
    }

    /// Said once; what is said twice counts as not said.
    fn find(&self, name: &str) -> Option<&str> {
        let mut said = self.0.iter().filter(|(own, _)| own == name);
        match (said.next(), said.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider")
            .field("config", &self.config)
            .finish()
    }
}

/// The texts that a claim holds, by its name or, beginning with `/`, by the way to it (RFC 6901):
/// `/realm_access/roles`. One text is a list of one.
#[must_use]
pub fn texts<'a>(claims: &'a Claims, claim: &str) -> Option<Vec<&'a str>> {
    let found = match claims.get(claim) {
        Some(value) => value,
        None => {
            let mut steps = claim.strip_prefix('/')?.split('/');
            let first = claims.get(steps.next()?)?;
            steps.try_fold(first, |value, step| value.get(step))?
        }
    };
    match found {
        Value::String(one) => Some(vec![one]),
        Value::Array(all) => Some(all.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}
