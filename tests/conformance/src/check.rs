//! One check: what is asked, on which ways, and what came of it.

use std::fmt;
use std::pin::Pin;

use testkit::Problem;

use crate::receiver::Receiver;
use crate::seen::Seen;
use crate::way::Way;

/// What came of a check, and what was seen.
pub type Outcome = Result<String, Miss>;

/// Why a check did not pass.
#[derive(Debug)]
pub enum Miss {
    /// The receiver does something else.
    Failed(String),
    /// It cannot be asked here; says why.
    NotApplicable(String),
}

impl From<Problem> for Miss {
    fn from(problem: Problem) -> Miss {
        Miss::Failed(problem.to_string())
    }
}

type Asking<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// One check of one point.
pub struct Check {
    /// Which of the 26 points.
    pub point: u8,
    /// What must be so.
    pub name: &'static str,
    /// The ways on which it can be asked.
    pub ways: &'static [Way],
    pub(crate) ask: for<'a> fn(&'a Receiver, Way) -> Asking<'a>,
}

impl fmt::Debug for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.point, self.name)
    }
}

/// A check whose question is an async function of receiver and way.
macro_rules! check {
    ($point:literal, $name:literal, $ways:expr, $ask:path) => {
        $crate::check::Check {
            point: $point,
            name: $name,
            ways: $ways,
            ask: |receiver, way| Box::pin($ask(receiver, way)),
        }
    };
}
pub(crate) use check;

/// Passes with what was seen when `is_so`; else fails with it and with what was wanted.
pub(crate) fn must(is_so: bool, wanted: &str, seen: impl fmt::Display) -> Outcome {
    match is_so {
        true => Ok(seen.to_string()),
        false => Err(Miss::Failed(format!("{seen}; wanted {wanted}"))),
    }
}

/// Everything was taken, and the answer says nothing beside.
pub(crate) fn taken(seen: &Seen) -> Outcome {
    must(seen.is_full_success(), "full success", seen)
}

/// The body is more than the limit.
pub(crate) fn too_large(seen: &Seen) -> Outcome {
    let is_code = match seen.grpc {
        Some(code) => code == 8,
        None => seen.http == 413,
    };
    let wanted = "413, or RESOURCE_EXHAUSTED without RetryInfo";
    must(is_code && seen.is_refused_for_good(), wanted, seen)
}

/// The content cannot be read.
pub(crate) fn bad_request(seen: &Seen) -> Outcome {
    let is_code = match seen.grpc {
        Some(code) => code == 3,
        None => seen.http == 400,
    };
    let has_detail = seen.said().is_some_and(|status| status.has_bad_request);
    let wanted = "400, or INVALID_ARGUMENT, with BadRequest";
    must(
        is_code && has_detail && seen.is_refused_for_good(),
        wanted,
        seen,
    )
}

/// The item of a marker is stored so many times.
pub(crate) async fn stored_times(
    receiver: &Receiver,
    view: &str,
    marker: &str,
    times: usize,
) -> Result<(), Miss> {
    match receiver.stored(view, "session_id", marker).await? {
        Some(rows) if rows.len() != times => {
            let found = rows.len();
            Err(Miss::Failed(format!(
                "stored {found} times; wanted {times}"
            )))
        }
        _ => Ok(()),
    }
}

/// A check that needs a look at what was stored.
pub(crate) fn needs_store(receiver: &Receiver) -> Result<(), Miss> {
    match receiver.is_own() {
        true => Ok(()),
        false => Err(Miss::NotApplicable(
            "needs a question to what was stored".to_owned(),
        )),
    }
}
