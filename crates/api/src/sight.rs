//! What a request may see: the one place where a principal becomes a sight.
//!
//! Every handler that answers from what is stored takes a [`Seen`], and gets its question from it. It comes
//! before what reads the address: it takes the parameter `organization` out of it.

use std::sync::Arc;

use access::{Organizations, Permission, Principal};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use query::{Question, Sight};
use serde::Deserialize;
use url::form_urlencoded;
use utoipa::IntoParams;

use crate::Api;
use crate::access::Asker;
use crate::fault::Fault;

/// The parameter by which somebody asks about some of the organisations that they see.
const PARAMETER: &str = "organization";

/// Of which organisations an answer is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameter; `Seen` reads it, because it is repeatable"
)]
pub(crate) struct OfOrganizations {
    /// Only what belongs to this organisation; repeatable. Without it all that whoever asks may see.
    organization: Option<Vec<String>>,
}

/// What somebody may see.
pub(crate) fn sight(principal: &Principal) -> Sight {
    let mut sight = Sight::everything();
    if !principal.may(Permission::Names) {
        sight = sight.without_names();
    }
    if !principal.may(Permission::Content) {
        sight = sight.without_content();
    }
    match principal.organizations.names() {
        Some(names) => sight.of_organizations(names),
        None => sight,
    }
}

/// What the request that is being answered may see.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// What whoever asks may see.
    may: Sight,
    /// What of that is asked about.
    asked: Sight,
}

impl Seen {
    /// A question of whoever sent the request.
    pub(crate) fn question<'a>(&self, api: &'a Api) -> Question<'a> {
        api.engine.question(self.asked.clone())
    }

    /// What is asked about, for an answer that goes on.
    pub(crate) fn sight(&self) -> Sight {
        self.asked.clone()
    }

    /// Whether somebody may see now what they could when they asked.
    pub(crate) fn is_still(&self, principal: &Principal) -> bool {
        sight(principal) == self.may
    }
}

impl FromRequestParts<Arc<Api>> for Seen {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Seen, Fault> {
        let asker = Asker::from_request_parts(parts, api).await?;
        let may = sight(&asker.principal);
        let wanted = taken(&mut parts.uri)?;
        if wanted.is_empty() {
            let asked = may.clone();
            return Ok(Seen { may, asked });
        }
        let wanted = Organizations::of(wanted)?;
        // Whether there is another is not said.
        if !wanted.are_within(asker.organizations()) {
            asker.note_denied(api, format!("what belongs to {wanted}"));
            let hint = format!("you see {}", asker.organizations());
            let message = "you do not see this organisation";
            return Err(Fault::new(StatusCode::FORBIDDEN, message, Some(&hint)));
        }
        let asked = may
            .clone()
            .of_organizations(wanted.names().into_iter().flatten());
        Ok(Seen { may, asked })
    }
}

/// Takes the parameter out of an address.
fn taken(uri: &mut Uri) -> Result<Vec<String>, Fault> {
    let Some(query) = uri.query() else {
        return Ok(Vec::new());
    };
    let is_it = |pair: &&str| {
        let key = form_urlencoded::parse(pair.as_bytes()).next();
        key.is_some_and(|(key, _)| key == PARAMETER)
    };
    let wanted: Vec<String> = query
        .split('&')
        .filter(is_it)
        .flat_map(|pair| form_urlencoded::parse(pair.as_bytes()))
        .map(|(_, value)| value.into_owned())
        .collect();
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_it(pair)).collect();
    let address = match rest.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), rest.join("&")),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(address.parse().map_err(Fault::internal)?);
    *uri = Uri::from_parts(parts).map_err(Fault::internal)?;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameter_is_taken_out_and_nothing_else() {
        for (address, wanted, rest) in [
            (
                "/a?organization=x&b=1&organization=y%20z",
                &["x", "y z"][..],
                "/a?b=1",
            ),
            ("/a?organization=x", &["x"], "/a"),
            (
                "/a?b=organization%3Dx&organizations=y",
                &[],
                "/a?b=organization%3Dx&organizations=y",
            ),
            ("/a?organi%7Aation=x&&c", &["x"], "/a?&c"),
            ("/a", &[], "/a"),
        ] {
            let mut uri: Uri = address.parse().expect("an address");
            assert_eq!(taken(&mut uri).expect("is read"), wanted, "{address}");
            assert_eq!(uri.to_string(), rest);
        }
    }
}
