//! Parameters and bodies, refused with a reason.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::fault::Fault;

/// Parameters of the query string.
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Params<T>, Fault> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|Query(params)| Params(params))
            .map_err(|rejection| {
                let inner = std::error::Error::source(&rejection).map(ToString::to_string);
                let message = inner.unwrap_or_else(|| rejection.body_text());
                Fault::new(
                    StatusCode::BAD_REQUEST,
                    format!("the parameters are not understood: {message}"),
                    None,
                )
            })
    }
}

/// The one variable part of a path.
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id, Fault> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Id(id))
            .map_err(|rejection: PathRejection| {
                Fault::new(
                    StatusCode::BAD_REQUEST,
                    format!("the path is not understood: {}", rejection.body_text()),
                    None,
                )
            })
    }
}

/// A JSON body. A form of another site cannot send that media type without being asked first.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Fault> {
        Json::<T>::from_request(request, state)
            .await
            .map(|Json(body)| Body(body))
            .map_err(|rejection| {
                let (message, hint) = match &rejection {
                    JsonRejection::MissingJsonContentType(_) => (
                        "the body must be JSON".to_owned(),
                        Some("send content-type: application/json"),
                    ),
                    JsonRejection::BytesRejection(_) => {
                        ("the body is too large or cannot be read".to_owned(), None)
                    }
                    other => (
                        format!("the body is not understood: {}", other.body_text()),
                        None,
                    ),
                };
                let status = match rejection.status() {
                    StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
                    other => other,
                };
                Fault::new(status, message, hint)
            })
    }
}
