//! One token: what it may do, and for how long.

use std::fmt;
use std::net::IpAddr;

use contract::Signal;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::credential::SecretHash;

/// Bounds of what one token holds.
const TEXT_BYTES_MAX: usize = 200;
const LIST_MAX: usize = 1_000;

/// One ingest token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// By which it is found and named everywhere; no secret.
    pub id: String,
    /// What it is for, in the administrator's words. Of one slot two are live at most: the one in use
    /// and the one that replaces it.
    pub slot: String,
    pub(super) hash: SecretHash,
    /// When it was made, milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Until before when it is taken; `None`: until it is revoked.
    pub expires_ms: Option<u64>,
    /// When it was revoked.
    pub revoked_ms: Option<u64>,
    /// What it may write.
    pub scope: Scope,
    /// How much.
    #[serde(default)]
    pub limits: Limits,
}

/// What may be written with a token. An empty list means no restriction of its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// The organisation to which everything belongs that it writes, in the administrator's words.
    pub organization: String,
    /// Values of `organization.id` that items may name.
    pub organization_ids: Vec<String>,
    /// Products that items may be of: `claude-code`, `cowork` and so on.
    pub products: Vec<String>,
    /// Signals: `logs`, `metrics`, `traces`.
    pub signals: Vec<String>,
    /// E-mail addresses or account ids of the people that items may name.
    pub people: Vec<String>,
    /// Where requests may come from. A proxy in front of us is where all come from.
    pub networks: Vec<IpNet>,
}

/// How much may be written with a token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Log records, data points and spans in one day (UTC).
    pub items_per_day: Option<u64>,
    /// Bytes of bodies, inflated, in one day (UTC).
    pub bytes_per_day: Option<u64>,
    /// Requests in a minute; as many may come at once.
    pub requests_per_minute: Option<u32>,
}

/// Whether a token is taken at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Live,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

impl Standing {
    /// In a word, as it is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Standing::Live => "live",
            Standing::Expired => "expired",
            Standing::Revoked => "revoked",
        }
    }
}

/// A scope or limit that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeError(pub(super) String);

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ScopeError {}

impl Token {
    /// Whether it is taken at `now_ms`.
    #[must_use]
    pub fn standing(&self, now_ms: u64) -> Standing {
        if self.revoked_ms.is_some() {
            Standing::Revoked
        } else if self.expires_ms.is_some_and(|end| now_ms >= end) {
            Standing::Expired
        } else {
            Standing::Live
        }
    }
}

impl Scope {
    /// Whether it may be used from `peer`.
    #[must_use]
    pub fn reaches(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(&peer))
    }

    /// Whether it may write a signal.
    #[must_use]
    pub fn has_signal(&self, signal: Signal) -> bool {
        self.signals.is_empty() || self.signals.iter().any(|name| name == signal.name())
    }

    /// Puts lists in order, and says what cannot be.
    ///
    /// # Errors
    /// The first thing that is wrong, and how to mend it.
    pub fn checked(mut self) -> Result<Scope, ScopeError> {
        let wrong = |what: String| Err(ScopeError(what));
        self.organization = self.organization.trim().to_owned();
        if self.organization.is_empty() {
            return wrong("name the organisation that the token writes for".to_owned());
        }
        for list in [
            &mut self.organization_ids,
            &mut self.products,
            &mut self.signals,
            &mut self.people,
        ] {
            list.iter_mut()
                .for_each(|text| *text = text.trim().to_owned());
            list.sort();
            list.dedup();
        }
        let texts = [&self.organization_ids, &self.products, &self.people];
        let texts = texts.into_iter().flatten().chain([&self.organization]);
        for text in texts {
            if text.is_empty() || text.len() > TEXT_BYTES_MAX || text.contains(char::is_control) {
                return wrong(format!(
                    "{text:?} cannot be a name or id: 1 to {TEXT_BYTES_MAX} bytes without control characters"
                ));
            }
        }
        let longest = [&self.organization_ids, &self.products, &self.people];
        let longest = longest.map(Vec::len).into_iter().max().unwrap_or_default();
        if longest.max(self.networks.len()) > LIST_MAX {
            return wrong(format!("a token may list {LIST_MAX} of a kind at most"));
        }
        let known = |name: &String| Signal::ALL.iter().any(|signal| signal.name() == name);
        match self.signals.iter().find(|name| !known(name)) {
            Some(odd) => wrong(format!("{odd:?} is no signal: logs, metrics, traces")),
            None => Ok(self),
        }
    }
}

/// A network as it is written: `10.0.0.0/8`, or one address.
///
/// # Errors
/// It is none.
pub fn network(text: &str) -> Result<IpNet, ScopeError> {
    let text = text.trim();
    let one = || text.parse::<IpAddr>().map(IpNet::from).ok();
    let network = text.parse::<IpNet>().ok().or_else(one);
    network.map(|network| network.trunc()).ok_or_else(|| {
        ScopeError(format!(
            "{text:?} is no network: write it as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7"
        ))
    })
}

impl Limits {
    /// Says what cannot be.
    ///
    /// # Errors
    /// A limit of nothing: to let nothing in, revoke the token.
    pub fn checked(self) -> Result<Limits, ScopeError> {
        let is_nothing = self.items_per_day == Some(0)
            || self.bytes_per_day == Some(0)
            || self.requests_per_minute == Some(0);
        match is_nothing {
            true => Err(ScopeError(
                "a limit of 0 lets nothing in: leave it out for no limit, or revoke the token"
                    .to_owned(),
            )),
            false => Ok(self),
        }
    }
}
