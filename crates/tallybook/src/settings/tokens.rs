//! The settings of intake that are about tokens.

use access::tokens::{HeaderNames, Intake as Rules};
use serde::{Deserialize, Serialize};

use super::Intake;

/// What becomes of items that name what their token may not write for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Foreign {
    /// They are quarantined, and the rest of the request is taken.
    #[default]
    Quarantine,
    /// The request is refused.
    Refuse,
}

/// The usual headers beside Authorization.
pub(super) fn headers() -> Vec<String> {
    HeaderNames::default().names().map(str::to_owned).collect()
}

impl Intake {
    /// By which rules requests pass.
    pub(super) fn rules(&self, problems: &mut Vec<String>) -> Rules {
        let headers = HeaderNames::of(&self.token_headers).unwrap_or_else(|error| {
            problems.push(format!("intake.token_headers: {error}"));
            HeaderNames::default()
        });
        if self.require_token && self.open_loopback {
            problems.push(
                "intake.require_token and intake.open_loopback contradict each other: set one of them"
                    .to_owned(),
            );
        }
        Rules {
            require_token: self.require_token,
            open_loopback: self.open_loopback,
            headers,
        }
    }
}
