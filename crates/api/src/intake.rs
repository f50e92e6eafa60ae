//! What the API knows of the door.

use std::sync::Arc;

use access::door::Door;
use access::tokens::{Gate, Listener, MadeToken, Notice};
use axum::http::StatusCode;

use crate::Api;
use crate::fault::Fault;

/// The door of a server.
#[derive(Clone)]
pub struct Intake {
    /// Who may send.
    pub gate: Arc<Gate>,
    /// What happened there.
    pub door: Arc<Door>,
    /// Who is told what happens to tokens.
    pub notices: Arc<dyn Listener>,
}

impl Intake {
    pub(crate) fn note_made(&self, made: &MadeToken) {
        self.notices.note(&Notice::Created {
            token: made.token.clone(),
            replaces: made.replaces.as_ref().map(|token| token.id.clone()),
        });
    }
}

impl Api {
    /// The door; an API over data alone has none.
    pub(crate) fn intake(&self) -> Result<&Intake, Fault> {
        self.intake.as_ref().ok_or_else(|| {
            let message = "this API has no intake";
            Fault::new(StatusCode::NOT_FOUND, message, None)
        })
    }
}
