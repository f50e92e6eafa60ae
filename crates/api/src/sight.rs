//! What a request may see: the one place where a principal becomes a sight.
//!
//! Every handler that answers from what is stored takes a [`Seen`], and gets its question from it.

use access::{Permission, Principal};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use query::{Question, Sight};

use crate::Api;
use crate::access::Asker;
use crate::fault::Fault;

/// What somebody may see.
fn sight(principal: &Principal) -> Sight {
    let mut sight = Sight::everything();
    if !principal.may(Permission::Names) {
        sight = sight.without_names();
    }
    if !principal.may(Permission::Content) {
        sight = sight.without_content();
    }
    sight
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
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Seen, Fault> {
        let asker = Asker::from_request_parts(parts, state).await?;
        Ok(Seen(sight(&asker.principal)))
    }
}
