//! Erasing somebody: what would go, the erasure, and how it stands.

use std::sync::Arc;

use access::audit::Action;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use query::{Asked, EraseError, ErasureDesk, ErasureState};
use serde::{Deserialize, Serialize};
use store::{Certificate, Counts, StoreError};
use utoipa::ToSchema;

use crate::Api;
use crate::access::Asker;
use crate::fault::{ErrorBody, Fault};
use crate::input::{Body, Id};

/// Whom to erase.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Erase {
    /// A name, an e-mail address, an account or an installation.
    person: String,
    /// Only what belongs to this organisation.
    organization: Option<String>,
    /// Also items of others that mention one of their ids.
    #[serde(default)]
    with_mentions: bool,
    /// Figures stay, as nobody's.
    #[serde(default)]
    keep_aggregates: bool,
    /// The account of this name by which they sign in goes, too.
    #[serde(default)]
    and_account: bool,
    /// Nothing more is taken of them: what comes is rejected before it is kept. See
    /// `GET /api/v1/refused-people`.
    #[serde(default)]
    and_refuse: bool,
    /// Only say what would go.
    dry_run: bool,
}

/// What an erasure would remove, or the erasure that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Begun {
    /// The erasure's id; null when nothing was erased.
    id: Option<String>,
    /// What would go; null when it has begun.
    #[schema(value_type = Option<Object>)]
    would_remove: Option<Counts>,
    /// The ids that are known to be theirs; null when it has begun.
    identities: Option<Vec<String>>,
}

/// How an erasure stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Standing {
    /// `running`, `failed` or `ended`.
    state: &'static str,
    /// What it does, or why it has failed.
    detail: Option<String>,
    /// The certificate, once it has ended.
    #[schema(value_type = Option<Object>)]
    certificate: Option<Certificate>,
}

/// Erases somebody, or says what would go.
///
/// An erasure goes on in the background, over a restart too; `GET /api/v1/erasures/{id}` says how it stands.
#[utoipa::path(post, path = "/api/v1/erase", tag = "privacy", request_body = Erase, responses(
    (status = 200, description = "What would go", body = Begun),
    (status = 202, description = "It has begun", body = Begun),
    (status = 404, description = "Nothing is there of them", body = ErrorBody),
    (status = 409, description = "Another erasure is under way", body = ErrorBody)))]
pub(crate) async fn erase(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Body(order): Body<Erase>,
) -> Result<(StatusCode, Json<Begun>), Fault> {
    let asked = Asked {
        person: order.person,
        organization: order.organization,
        with_mentions: order.with_mentions,
        token: None,
        keep_aggregates: order.keep_aggregates,
        and_account: order.and_account,
        and_refuse: order.and_refuse,
    };
    if order.dry_run {
        api.on_record(
            &asker,
            Action::Erase,
            "a person, a trial that says what would go",
        )
        .await?;
        let (whom, counts) = api.engine.plan_erasure(&asked).await?;
        let begun = Begun {
            id: None,
            would_remove: Some(counts),
            identities: Some(whom.ids.into_iter().collect()),
        };
        return Ok((StatusCode::OK, Json(begun)));
    }
    // On record is that somebody was erased and the certificate's id, not who: the trail stays.
    api.on_record(&asker, Action::Erase, "a person").await?;
    let asked_by = format!("{}, by the API", asker.principal.who);
    if asked.and_account {
        remove_account(&api, &asker, &asked).await?;
    }
    let id = desk(&api)?.begin(&asked, asked_by).await?;
    let what = match asked.and_refuse {
        true => format!("erasure {id}, and refuse what comes of them"),
        false => format!("erasure {id}"),
    };
    api.on_record(&asker, Action::Erase, what).await?;
    let begun = Begun {
        id: Some(id),
        would_remove: None,
        identities: None,
    };
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

/// The account that is called as the person was asked for goes: only once it is known that they may be
/// erased.
async fn remove_account(api: &Arc<Api>, asker: &Asker, asked: &Asked) -> Result<(), Fault> {
    let (whom, _) = api.engine.plan_erasure(asked).await?;
    api.engine.may_be_erased(&whom).await?;
    let register = api.access.gate.register()?;
    let Some(name) = register.account_to_erase(&whom.asked_for, &whom.ids)? else {
        return Ok(());
    };
    api.on_record(asker, Action::People, "remove the account of who is erased")
        .await?;
    let gate = Arc::clone(&api.access.gate);
    let removed = tokio::task::spawn_blocking(move || gate.remove(&name)).await;
    removed.map_err(Fault::internal)??;
    Ok(())
}

/// How an erasure stands.
#[utoipa::path(get, path = "/api/v1/erasures/{id}", tag = "privacy",
    params(("id" = String, Path, description = "The erasure's id")), responses(
    (status = 200, body = Standing),
    (status = 404, description = "There was none of this id", body = ErrorBody)))]
pub(crate) async fn standing(
    State(api): State<Arc<Api>>,
    Id(id): Id,
) -> Result<Json<Standing>, Fault> {
    let state = desk(&api)?.state(&id).await.map_err(EraseError::Store)?;
    let (state, detail, certificate) = match state {
        Some(ErasureState::Running(progress)) => (
            "running",
            progress.map(|progress| progress.describe()),
            None,
        ),
        Some(ErasureState::Failed(reason)) => ("failed", Some(reason), None),
        Some(ErasureState::Ended(certificate)) => ("ended", None, Some(*certificate)),
        None => {
            let message = format!("there was no erasure {id:?}");
            return Err(Fault::new(StatusCode::NOT_FOUND, message, None));
        }
    };
    Ok(Json(Standing {
        state,
        detail,
        certificate,
    }))
}

/// The erasures that have ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Erasures {
    /// The newest first, at most 1,000.
    #[schema(value_type = Vec<Object>)]
    certificates: Vec<Certificate>,
    /// The erasure that has not ended, if there is one.
    unfinished: Option<String>,
}

/// The certificates so far. They name nobody.
#[utoipa::path(get, path = "/api/v1/erasures", tag = "privacy", responses((status = 200, body = Erasures)))]
pub(crate) async fn list(State(api): State<Arc<Api>>) -> Result<Json<Erasures>, Fault> {
    let store = api.engine.store();
    let certificates = store.certificates().await.map_err(EraseError::Store)?;
    let unfinished = store
        .unfinished_erasure()
        .await
        .map_err(EraseError::Store)?;
    Ok(Json(Erasures {
        certificates,
        unfinished: unfinished.map(|order| order.id),
    }))
}

fn desk(api: &Api) -> Result<&Arc<ErasureDesk>, Fault> {
    api.erasures.as_ref().ok_or_else(|| {
        let hint = Some("use tallybook erase --data-dir");
        Fault::new(
            StatusCode::NOT_IMPLEMENTED,
            "nobody is erased by this server",
            hint,
        )
    })
}

impl From<EraseError> for Fault {
    fn from(error: EraseError) -> Fault {
        let status = match error {
            EraseError::Query(error) => return error.into(),
            EraseError::Odd(_) => StatusCode::BAD_REQUEST,
            EraseError::Nobody(_) => StatusCode::NOT_FOUND,
            EraseError::Held(_) | EraseError::Store(StoreError::Busy(_)) => StatusCode::CONFLICT,
            EraseError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Fault::new(status, error.to_string(), None)
    }
}
