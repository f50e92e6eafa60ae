//! Putting what is done on record, before it is answered.

use access::audit::{Act, Action};
use access::{AccessError, Permission, SignInError, Who};
use axum::http::StatusCode;

use super::Asker;
use crate::Api;
use crate::fault::Fault;

impl Api {
    /// Puts an act on record, and returns when it is on the disk. As long as the server is open to
    /// anybody on this machine there is nobody to name, and looking is not on record.
    pub(crate) async fn on_record(
        &self,
        asker: &Asker,
        action: Action,
        object: impl Into<String>,
    ) -> Result<(), Fault> {
        if asker.principal.who == Who::Anybody {
            return Ok(());
        }
        let act = Act::of(&asker.principal, action, object);
        self.put(act.asked(asker.address, &asker.request_id)).await
    }

    /// Puts on record that content is shown to somebody who may see it.
    pub(crate) async fn on_reveal(
        &self,
        asker: &Asker,
        object: impl Into<String>,
    ) -> Result<(), Fault> {
        match asker.principal.may(Permission::Content) {
            true => self.on_record(asker, Action::Reveal, object).await,
            false => Ok(()),
        }
    }

    pub(super) async fn put(&self, act: Act) -> Result<(), Fault> {
        let written = self.access.trail.record(act).await;
        written.map_err(|error| {
            tracing::error!("refused, because it cannot be put on record: {error}");
            let message = "this must be on record, and the audit trail cannot be written";
            let hint = Some("the server's log says why");
            Fault::new(StatusCode::SERVICE_UNAVAILABLE, message, hint)
        })
    }
}

/// What a question in SQL is on record as: a look at content, if it may show what a column holds of it.
pub(crate) fn action_of(sql: &str) -> Action {
    match query::may_show_content(sql) {
        true => Action::Reveal,
        false => Action::Query,
    }
}

impl From<AccessError> for Fault {
    fn from(error: AccessError) -> Fault {
        match error {
            AccessError::Wrong { message, hint } => {
                Fault::new(StatusCode::BAD_REQUEST, message, Some(hint))
            }
            AccessError::Missing(what) => Fault::new(StatusCode::NOT_FOUND, what, None),
            AccessError::Kept(_) | AccessError::Io(_) => {
                tracing::error!("access was not changed: {error}");
                let hint = Some("the server's log says why");
                Fault::new(StatusCode::SERVICE_UNAVAILABLE, "it cannot be kept", hint)
            }
        }
    }
}

impl From<SignInError> for Fault {
    fn from(error: SignInError) -> Fault {
        match error {
            SignInError::Wrong(_) => {
                Fault::new(StatusCode::UNAUTHORIZED, "that is not right", None)
            }
            SignInError::Blocked(wait) => {
                let seconds = wait.as_secs() + 1;
                let message = format!("too many failures: try again in {seconds} s");
                Fault::new(StatusCode::TOO_MANY_REQUESTS, message, None).retry_after(seconds)
            }
            SignInError::Off => {
                let hint = "sign in by the provider; where the server runs, tallybook user setup prints a link";
                let message = "nobody signs in by password here";
                Fault::new(StatusCode::FORBIDDEN, message, Some(hint))
            }
            SignInError::Busy => {
                let message = "too many are signing in at once";
                let fault = Fault::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    message,
                    Some("try again in a moment"),
                );
                fault.retry_after(1)
            }
            SignInError::Failed(error) => error.into(),
        }
    }
}
