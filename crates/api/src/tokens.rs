//! Ingest tokens: list, make, rotate, revoke.
//!
//! Invariant: a token's text is in the answer that makes it and nowhere else.

use std::sync::Arc;

use access::audit::Action;
use access::tokens::{
    BookError, Gate, HeaderNames, Limits, MadeToken, NewToken, Notice, Openness, Rotation, Scope,
    Token, Use,
};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::access::Asker;
use crate::fault::{ErrorBody, Fault};
use crate::input::{Body, Id};

const DAY_MS: u64 = 24 * 3600 * 1000;
/// Clients may read their headers when a session starts and not again.
pub const OVERLAP_DAYS: u64 = 7;
const DAYS_MAX: u64 = 3_660;

/// One ingest token, without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenRow {
    /// Its id: no secret, the same in `fates`, in the column `token` and in the log.
    pub id: String,
    /// What it is for; of one slot two are live at most.
    pub slot: String,
    /// `live`, `expired` or `revoked`.
    pub standing: &'static str,
    /// The organisation for which it writes.
    pub organization: String,
    /// Values of `organization.id` that its items may name; none: any.
    pub organization_ids: Vec<String>,
    /// Products that its items may be of; none: any.
    pub products: Vec<String>,
    /// Signals that it may send; none: any.
    pub signals: Vec<String>,
    /// E-mail addresses and account ids that its items may name; none: any.
    pub people: Vec<String>,
    /// From where it may be used; none: from anywhere.
    pub networks: Vec<String>,
    /// Items a day (UTC), if that is limited.
    pub items_per_day: Option<u64>,
    /// Inflated bytes a day (UTC), if that is limited.
    pub bytes_per_day: Option<u64>,
    /// Requests a minute, if that is limited.
    pub requests_per_minute: Option<u32>,
    /// When it was made, milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Until before when it is taken, if that is limited.
    pub expires_ms: Option<u64>,
    /// When it was revoked, if it was.
    pub revoked_ms: Option<u64>,
    /// When it was used last, if ever.
    pub last_used_ms: Option<u64>,
    /// Items of today (UTC).
    pub items_today: u64,
    /// Inflated bytes of today (UTC).
    pub bytes_today: u64,
}

impl TokenRow {
    /// The row of a token, as of `now_ms`.
    pub fn of(token: &Token, used: Use, now_ms: u64) -> TokenRow {
        let Scope {
            organization,
            organization_ids,
            products,
            signals,
            people,
            networks,
        } = token.scope.clone();
        TokenRow {
            id: token.id.clone(),
            slot: token.slot.clone(),
            standing: token.standing(now_ms).name(),
            organization,
            organization_ids,
            products,
            signals,
            people,
            networks: networks.iter().map(ToString::to_string).collect(),
            items_per_day: token.limits.items_per_day,
            bytes_per_day: token.limits.bytes_per_day,
            requests_per_minute: token.limits.requests_per_minute,
            created_ms: token.created_ms,
            expires_ms: token.expires_ms,
            revoked_ms: token.revoked_ms,
            last_used_ms: (used.last_ms > 0).then_some(used.last_ms),
            items_today: used.items,
            bytes_today: used.bytes,
        }
    }
}

/// All tokens, and whether one is needed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenList {
    /// Whether requests without a token are taken on loopback: `no_token` (there is none yet),
    /// `loopback` (by `intake.open_loopback`), or `closed`.
    intake: &'static str,
    /// Headers that may hold a token, beside `authorization`.
    headers: Vec<String>,
    /// Live ones first, then by age.
    tokens: Vec<TokenRow>,
}

/// A token that was made just now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Made {
    /// Its text, which is shown only here.
    text: String,
    /// What is kept.
    token: TokenRow,
    /// The one that ends for it.
    replaces: Option<TokenRow>,
}

/// A token to be made. Lists that are left out restrict nothing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ToMake {
    /// What it is for: letters, digits and `- _ .`
    slot: String,
    /// The organisation for which it writes.
    organization: String,
    /// Values of `organization.id` that its items may name.
    organization_ids: Vec<String>,
    /// Products that its items may be of.
    products: Vec<String>,
    /// Signals that it may send: `logs`, `metrics`, `traces`.
    signals: Vec<String>,
    /// E-mail addresses and account ids that its items may name.
    people: Vec<String>,
    /// From where it may be used, as `10.0.0.0/8`.
    networks: Vec<String>,
    /// Items a day.
    items_per_day: Option<u64>,
    /// Inflated bytes a day.
    bytes_per_day: Option<u64>,
    /// Requests a minute.
    requests_per_minute: Option<u32>,
    /// After how many days it ends by itself.
    expires_in_days: Option<u64>,
}

/// How a slot is rotated.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ToRotate {
    /// How many days the token in use goes on beside the new one; 7 if it is left out.
    overlap_days: Option<u64>,
    /// After how many days the new one ends by itself.
    expires_in_days: Option<u64>,
}

/// Nothing to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToRevoke {}

/// All ingest tokens, without their secrets.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "intake", responses((status = 200, body = TokenList)))]
pub(crate) async fn list(State(api): State<Arc<Api>>) -> Result<Json<TokenList>, Fault> {
    let gate = Arc::clone(&api.intake()?.gate);
    blocking(move || {
        let now_ms = gate.now_ms();
        let mut tokens = gate.book().list()?;
        tokens.sort_by_key(|token| (token.standing(now_ms).name() != "live", token.created_ms));
        let rows = tokens.iter().map(|token| row(&gate, token));
        Ok(TokenList {
            intake: openness(&gate),
            headers: HeaderNames::names(gate.headers())
                .map(str::to_owned)
                .collect(),
            tokens: rows.collect(),
        })
    })
    .await
}

/// Makes a token; its text is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "intake", request_body = ToMake,
    responses((status = 201, body = Made), (status = 400, body = ErrorBody)))]
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Body(wish): Body<ToMake>,
) -> Result<(StatusCode, Json<Made>), Fault> {
    let intake = api.intake()?.clone();
    let what = format!("make token {} for {}", wish.slot, wish.organization);
    api.on_record(&asker, Action::Tokens, what).await?;
    let networks = wish
        .networks
        .iter()
        .map(|text| access::tokens::network(text));
    let networks = networks.collect::<Result<_, _>>().map_err(wrong)?;
    let made = blocking(move || {
        let now_ms = intake.gate.now_ms();
        let new = NewToken {
            slot: wish.slot,
            scope: Scope {
                organization: wish.organization,
                organization_ids: wish.organization_ids,
                products: wish.products,
                signals: wish.signals,
                people: wish.people,
                networks,
            },
            limits: Limits {
                items_per_day: wish.items_per_day,
                bytes_per_day: wish.bytes_per_day,
                requests_per_minute: wish.requests_per_minute,
            },
            expires_ms: wish.expires_in_days.map(|days| after(now_ms, days)),
        };
        let made = intake.gate.book().create(new, now_ms)?;
        intake.gate.look();
        intake.note_made(&made);
        Ok(told(&intake.gate, made))
    });
    made.await.map(|made| (StatusCode::CREATED, made))
}

/// Makes a second token of a slot; the one in use ends after the overlap.
#[utoipa::path(post, path = "/api/v1/tokens/{slot}/rotate", tag = "intake", params(("slot" = String, Path)),
    request_body = ToRotate, responses((status = 201, body = Made), (status = 404, body = ErrorBody)))]
pub(crate) async fn rotate(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Id(slot): Id,
    Body(wish): Body<ToRotate>,
) -> Result<(StatusCode, Json<Made>), Fault> {
    let intake = api.intake()?.clone();
    api.on_record(&asker, Action::Tokens, format!("rotate token {slot}"))
        .await?;
    let made = blocking(move || {
        let now_ms = intake.gate.now_ms();
        let rotation = Rotation {
            old_ends_ms: after(now_ms, wish.overlap_days.unwrap_or(OVERLAP_DAYS)),
            expires_ms: wish.expires_in_days.map(|days| after(now_ms, days)),
        };
        let made = intake.gate.book().rotate(&slot, rotation, now_ms)?;
        intake.gate.look();
        intake.note_made(&made);
        Ok(told(&intake.gate, made))
    });
    made.await.map(|made| (StatusCode::CREATED, made))
}

/// Ends a token by its id, or all of a slot, at once.
#[utoipa::path(post, path = "/api/v1/tokens/{name}/revoke", tag = "intake", params(("name" = String, Path)),
    request_body = ToRevoke, responses((status = 200, body = [TokenRow]), (status = 404, body = ErrorBody)))]
pub(crate) async fn revoke(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Id(name): Id,
    Body(ToRevoke {}): Body<ToRevoke>,
) -> Result<Json<Vec<TokenRow>>, Fault> {
    let intake = api.intake()?.clone();
    api.on_record(&asker, Action::Tokens, format!("revoke token {name}"))
        .await?;
    blocking(move || {
        let ended = intake.gate.book().revoke(&name, intake.gate.now_ms())?;
        intake.gate.look();
        for token in &ended {
            intake.notices.note(&Notice::Revoked {
                token: token.clone(),
            });
        }
        Ok(ended.iter().map(|token| row(&intake.gate, token)).collect())
    })
    .await
}

/// Whether requests without a token are taken.
pub(crate) fn openness(gate: &Gate) -> &'static str {
    match gate.openness() {
        Openness::NoToken => "no_token",
        Openness::Loopback => "loopback",
        Openness::Closed => "closed",
    }
}

fn told(gate: &Gate, made: MadeToken) -> Made {
    Made {
        text: made.text,
        token: row(gate, &made.token),
        replaces: made.replaces.map(|token| row(gate, &token)),
    }
}

fn row(gate: &Gate, token: &Token) -> TokenRow {
    TokenRow::of(token, gate.used(&token.id), gate.now_ms())
}

fn after(now_ms: u64, days: u64) -> u64 {
    now_ms + days.min(DAYS_MAX) * DAY_MS
}

/// The book is on the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BookError> + Send + 'static,
) -> Result<Json<T>, Fault> {
    let done = tokio::task::spawn_blocking(work)
        .await
        .map_err(Fault::internal)?;
    done.map(Json).map_err(|error| match &error {
        BookError::Wrong(_) => wrong(error),
        BookError::NotFound(_) => Fault::new(StatusCode::NOT_FOUND, error.to_string(), None),
        _ => Fault::internal(error),
    })
}

fn wrong(what: impl std::fmt::Display) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, what.to_string(), None)
}
