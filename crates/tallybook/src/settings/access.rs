//! Who must sign in, and for how long: `[access]`.

use std::path::Path;
use std::time::Duration;

use access::{GateConfig, Lifetimes};
use serde::{Deserialize, Serialize};

use super::{Listen, oidc::Oidc};
use crate::provider::Wanted;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Access {
    /// Whether signing in is asked for even before anybody has been set up.
    pub(crate) required: bool,
    /// After how many minutes without a request a login session ends.
    pub(crate) session_idle_minutes: u64,
    /// After how many hours it ends in any case.
    pub(crate) session_hours: u64,
    /// By which provider people sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc: Option<Oidc>,
}

impl Default for Access {
    fn default() -> Access {
        let usual = Lifetimes::default();
        Access {
            required: false,
            session_idle_minutes: usual.idle.as_secs() / 60,
            session_hours: usual.absolute.as_secs() / 3600,
            oidc: None,
        }
    }
}

impl Access {
    /// Makes paths go by the folder of the configuration file.
    pub(super) fn beside(&mut self, configuration: &Path) {
        if let Some(oidc) = &mut self.oidc {
            oidc.beside(configuration);
        }
    }

    /// The host under which browsers reach us, if a provider sends them there.
    pub(super) fn public_host(&self) -> Option<String> {
        self.oidc.as_ref().and_then(Oidc::public_host)
    }

    /// By which provider people sign in.
    pub(super) fn provider(&self, listen: &Listen, problems: &mut Vec<String>) -> Option<Wanted> {
        self.oidc
            .as_ref()
            .map(|oidc| oidc.checked(listen, problems))
    }

    pub(super) fn checked(&self, problems: &mut Vec<String>) -> GateConfig {
        let (idle, hours) = (self.session_idle_minutes, self.session_hours);
        if !(1..=1440).contains(&idle) {
            problems.push(format!(
                "access.session_idle_minutes is {idle}: write 1 to 1440"
            ));
        }
        if !(1..=720).contains(&hours) {
            problems.push(format!("access.session_hours is {hours}: write 1 to 720"));
        }
        GateConfig {
            // Where there is a provider, whoever comes can be somebody.
            required: self.required || self.oidc.is_some(),
            passwords_off: self.oidc.as_ref().is_some_and(Oidc::passwords_off),
            lifetimes: Lifetimes {
                idle: Duration::from_secs(idle.saturating_mul(60)),
                absolute: Duration::from_secs(hours.saturating_mul(3600)),
            },
        }
    }
}
