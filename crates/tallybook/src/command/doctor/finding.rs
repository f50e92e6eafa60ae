//! What one check found.

use serde::Serialize;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Ok,
    /// It could not be looked at, or there is nothing to look at.
    Skipped,
    /// It works, and will not for ever, or not well.
    Warning,
    /// It does not work.
    Failed,
}

/// One check: what was seen, and how to mend it where something is wrong.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// A name that stays the same.
    pub(super) check: &'static str,
    pub(super) status: Status,
    pub(super) seen: String,
    /// Absent when there is nothing to mend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, seen: impl Into<String>) -> Finding {
        Finding {
            check,
            status: Status::Ok,
            seen: seen.into(),
            mend: None,
        }
    }

    pub(super) fn skipped(check: &'static str, why: impl Into<String>) -> Finding {
        Finding {
            status: Status::Skipped,
            ..Finding::ok(check, why)
        }
    }

    pub(super) fn warning(
        check: &'static str,
        seen: impl Into<String>,
        mend: impl Into<String>,
    ) -> Finding {
        Finding {
            status: Status::Warning,
            mend: Some(mend.into()),
            ..Finding::ok(check, seen)
        }
    }

    pub(super) fn failed(
        check: &'static str,
        seen: impl Into<String>,
        mend: impl Into<String>,
    ) -> Finding {
        Finding {
            status: Status::Failed,
            ..Finding::warning(check, seen, mend)
        }
    }
}
