//! Legal holds: list, set, release.
//!
//! Invariant: a hold that was set holds from the moment that this is answered; who set it and who
//! released it is on record, and so is why.

use std::path::Path;
use std::sync::Arc;

use access::audit::Action;
use access::{Document, DocumentError, Kept, new_id};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use query::{Hold, HoldBook};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::access::Asker;
use crate::fault::{ErrorBody, Fault};
use crate::input::{Body, Id};

/// So many holds at once.
const HOLDS_MAX: usize = 1_000;
/// So many bytes of a text.
const TEXT_BYTES_MAX: usize = 1_000;

/// The holds of a data directory, which several processes may change.
pub struct HoldRegister {
    kept: Kept<Vec<Hold>>,
}

impl std::fmt::Debug for HoldRegister {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("HoldRegister")
    }
}

/// Why a hold was not set or released.
#[derive(Debug)]
pub enum HoldError {
    /// It says nothing, or too much; says what.
    Odd(String),
    /// There is none of this id.
    Unknown(String),
    /// The file cannot be read or written.
    Document(DocumentError),
}

impl std::fmt::Display for HoldError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            HoldError::Odd(what) => formatter.write_str(what),
            HoldError::Unknown(id) => write!(
                formatter,
                "there is no hold {id:?}: tallybook hold list names them"
            ),
            HoldError::Document(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for HoldError {}

impl From<DocumentError> for HoldError {
    fn from(error: DocumentError) -> HoldError {
        HoldError::Document(error)
    }
}

impl From<HoldError> for Fault {
    fn from(error: HoldError) -> Fault {
        let status = match error {
            HoldError::Odd(_) => StatusCode::BAD_REQUEST,
            HoldError::Unknown(_) => StatusCode::NOT_FOUND,
            HoldError::Document(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Fault::new(status, error.to_string(), None)
    }
}

impl HoldRegister {
    /// That of a data directory.
    #[must_use]
    pub fn of(data_dir: &Path) -> HoldRegister {
        let document = Document::at(data_dir.join("access").join("holds.json"));
        HoldRegister {
            kept: Kept::new(document),
        }
    }

    /// Sets a hold, with an id of its own; it is on the disk when this returns.
    ///
    /// # Errors
    /// It says nothing or too much, or the file cannot be written.
    pub fn set(&self, wanted: Hold) -> Result<Hold, HoldError> {
        let hold = checked(wanted)?;
        self.kept.change(|holds| {
            if holds.len() >= HOLDS_MAX {
                return Err(HoldError::Odd(format!(
                    "there are {HOLDS_MAX} holds already"
                )));
            }
            holds.push(hold.clone());
            Ok(hold)
        })
    }

    /// Releases a hold.
    ///
    /// # Errors
    /// There is none of this id, or the file cannot be written.
    pub fn release(&self, id: &str) -> Result<Hold, HoldError> {
        self.kept.change(|holds| {
            let at = holds.iter().position(|hold| hold.id == id);
            let at = at.ok_or_else(|| HoldError::Unknown(id.to_owned()))?;
            Ok(holds.remove(at))
        })
    }
}

impl HoldBook for HoldRegister {
    fn holds(&self) -> Result<Vec<Hold>, String> {
        let holds = self.kept.look().map_err(|error| error.to_string())?;
        Ok(Vec::clone(&holds))
    }
}

fn checked(mut hold: Hold) -> Result<Hold, HoldError> {
    let odd = |what: &str| Err(HoldError::Odd(what.to_owned()));
    let text = |text: Option<String>| {
        text.map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    hold.reason = hold.reason.trim().to_owned();
    (hold.person, hold.organization) = (text(hold.person), text(hold.organization));
    if hold.reason.is_empty() {
        return odd("a hold has a reason: say why");
    }
    let texts = [
        Some(&hold.reason),
        hold.person.as_ref(),
        hold.organization.as_ref(),
    ];
    if texts
        .into_iter()
        .flatten()
        .any(|text| text.len() > TEXT_BYTES_MAX)
    {
        return odd("a text is longer than 1,000 bytes");
    }
    if let (Some(from), Some(to)) = (hold.from_ms, hold.to_ms)
        && from >= to
    {
        return odd("it ends before it begins: nothing would be held");
    }
    hold.id = new_id().map_err(|error| HoldError::Odd(error.to_string()))?;
    Ok(hold)
}

/// The holds.
#[derive(Serialize, ToSchema)]
pub(crate) struct Holds {
    holds: Vec<HoldRow>,
}

/// A hold. It holds what all of its parts fit; a part that is null fits everything.
#[derive(Serialize, ToSchema)]
pub(crate) struct HoldRow {
    id: String,
    /// Why.
    reason: String,
    /// Of whom: a name, an e-mail address, an account or an installation.
    person: Option<String>,
    /// Of which organisation.
    organization: Option<String>,
    /// From this moment on, milliseconds since the Unix epoch.
    from_ms: Option<i64>,
    /// Until before this moment.
    to_ms: Option<i64>,
    /// Who set it.
    set_by: String,
    /// When, milliseconds since the Unix epoch.
    set_at_ms: u64,
}

impl From<Hold> for HoldRow {
    fn from(hold: Hold) -> HoldRow {
        let Hold {
            id,
            reason,
            person,
            organization,
            from_ms,
            to_ms,
            set_by,
            set_at_ms,
        } = hold;
        HoldRow {
            id,
            reason,
            person,
            organization,
            from_ms,
            to_ms,
            set_by,
            set_at_ms,
        }
    }
}

/// A hold to be set. Without person, organisation and time it holds everything.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHold {
    /// Why.
    reason: String,
    /// Of whom: a name, an e-mail address, an account or an installation.
    person: Option<String>,
    /// Of which organisation.
    organization: Option<String>,
    /// From this moment on, milliseconds since the Unix epoch.
    from_ms: Option<i64>,
    /// Until before this moment.
    to_ms: Option<i64>,
}

/// What is held: neither treated by retention nor erased.
#[utoipa::path(get, path = "/api/v1/holds", tag = "privacy", responses((status = 200, body = Holds)))]
pub(crate) async fn list(State(api): State<Arc<Api>>) -> Result<Json<Holds>, Fault> {
    let holds = api.privacy()?.holds.kept.look().map_err(HoldError::from)?;
    let holds = holds.iter().cloned().map(HoldRow::from).collect();
    Ok(Json(Holds { holds }))
}

/// Sets a hold. When it is answered, nothing of it goes any more.
#[utoipa::path(post, path = "/api/v1/holds", tag = "privacy", request_body = NewHold, responses(
    (status = 201, body = HoldRow),
    (status = 400, description = "It says nothing, or too much", body = ErrorBody)))]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Body(wanted): Body<NewHold>,
) -> Result<(StatusCode, Json<HoldRow>), Fault> {
    let holds = Arc::clone(&api.privacy()?.holds);
    let what = format!("set a hold: {}", wanted.reason);
    api.on_record(&asker, Action::Hold, what).await?;
    let hold = Hold {
        id: String::new(),
        reason: wanted.reason,
        person: wanted.person,
        organization: wanted.organization,
        from_ms: wanted.from_ms,
        to_ms: wanted.to_ms,
        set_by: asker.principal.who.to_string(),
        set_at_ms: api.now_ms().unsigned_abs(),
    };
    let set = tokio::task::spawn_blocking(move || holds.set(hold)).await;
    let hold = set.map_err(Fault::internal)??;
    // Whatever was about to go has gone, or stays.
    api.engine.store().settled().await;
    Ok((StatusCode::CREATED, Json(hold.into())))
}

/// Releases a hold.
#[utoipa::path(delete, path = "/api/v1/holds/{id}", tag = "privacy",
    params(("id" = String, Path, description = "The hold's id")), responses(
    (status = 200, body = HoldRow),
    (status = 404, description = "There is none of this id", body = ErrorBody)))]
pub(crate) async fn release(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Id(id): Id,
) -> Result<Json<HoldRow>, Fault> {
    let holds = Arc::clone(&api.privacy()?.holds);
    api.on_record(&asker, Action::Hold, format!("release the hold {id}"))
        .await?;
    let released = tokio::task::spawn_blocking(move || holds.release(&id)).await;
    Ok(Json(released.map_err(Fault::internal)??.into()))
}
