//! The provider by which people sign in, put together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::federation::Rules;
use api::{CALLBACK, SignInProvider};
use base::{Clock, SystemClock};
use oidc::Provider;

use crate::failure::Failure;
use crate::opening;

/// Under which label the key is derived that seals sign-ins that are under way.
const PENDING: &str = "oidc pending";

/// What is set about a provider, checked.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) config: oidc::Config,
    pub(crate) rules: Rules,
    /// The address under which browsers reach us; `None`: the UI's own.
    pub(crate) public_url: Option<String>,
    pub(crate) outgoing: outgoing::Rules,
    pub(crate) authorities: Option<PathBuf>,
}

impl Wanted {
    /// The provider of a server whose UI is at `ui`. It is asked when somebody signs in, not before: a
    /// provider that is down keeps no server from starting.
    pub(crate) fn build(self, data_dir: &Path, ui: &str) -> Result<Arc<SignInProvider>, Failure> {
        let key = opening::secret(data_dir)?.key(PENDING);
        self.sealed_by(&key, ui).map(Arc::new)
    }

    /// The same, to be looked at only.
    pub(crate) fn for_probe(self, ui: &str) -> Result<SignInProvider, Failure> {
        let key = base::secret::random().map_err(Failure::failed)?;
        self.sealed_by(&key, ui)
    }

    fn sealed_by(self, key: &[u8; 32], ui: &str) -> Result<SignInProvider, Failure> {
        let secret = self.config.secret.read();
        secret.map_err(|why| Failure::usage(format!("access.oidc: {why}")))?;
        let trusted = match self.config.issuer.starts_with("https:") {
            true => tls::client(self.authorities.as_deref()),
            false => tls::trusting_nobody(),
        };
        let trusted =
            trusted.map_err(|fault| Failure::usage(format!("access.oidc.authorities: {fault}")))?;
        let client = outgoing::Client::new(self.outgoing, tls::Connector::new(trusted));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let own = self.public_url.as_deref().unwrap_or(ui);
        Ok(SignInProvider {
            name: self.name,
            provider: Provider::new(self.config, own, CALLBACK, client, clock, key),
            rules: self.rules,
        })
    }
}

/// What `config check` says of it.
pub(crate) fn explained(wanted: Option<&Wanted>) -> String {
    let Some(wanted) = wanted else {
        return String::new();
    };
    let own = wanted.public_url.as_deref().unwrap_or("the UI's address");
    format!(
        "# People sign in by {} ({}), which must know {}{CALLBACK}; our secret is in {}.\n",
        wanted.name,
        wanted.config.issuer,
        own.trim_end_matches('/'),
        wanted.config.secret,
    )
}
