//! What a request may see: the one place that says so.
//!
//! Every handler that answers from what is stored takes a [`Seen`], and gets its question from it.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use query::{Question, Sight};

use crate::Api;

/// What a request may see. Nobody is known to this server yet, so that everybody sees everything.
fn sight(_request: &Parts) -> Sight {
    Sight::everything()
}

/// What the request that is being answered may see.
#[derive(Clone, Debug)]
pub(crate) struct Seen(Sight);

impl Seen {
    /// A question of whoever sent the request.
    pub(crate) fn question<'a>(&self, api: &'a Api) -> Question<'a> {
        api.engine.question(self.0.clone())
    }

    /// What may be seen, for an answer that goes on.
    pub(crate) fn sight(self) -> Sight {
        self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Seen {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Seen, Infallible> {
        Ok(Seen(sight(parts)))
    }
}
