//! Who must sign in, and for how long: `[access]`.

use std::time::Duration;

use access::{GateConfig, Lifetimes};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Access {
    /// Whether signing in is asked for even before anybody has been set up.
    pub(crate) required: bool,
    /// After how many minutes without a request a login session ends.
    pub(crate) session_idle_minutes: u64,
    /// After how many hours it ends in any case.
    pub(crate) session_hours: u64,
}

impl Default for Access {
    fn default() -> Access {
        let usual = Lifetimes::default();
        Access {
            required: false,
            session_idle_minutes: usual.idle.as_secs() / 60,
            session_hours: usual.absolute.as_secs() / 3600,
        }
    }
}

impl Access {
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
            required: self.required,
            lifetimes: Lifetimes {
                idle: Duration::from_secs(idle.saturating_mul(60)),
                absolute: Duration::from_secs(hours.saturating_mul(3600)),
            },
        }
    }
}
