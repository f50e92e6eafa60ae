//! Who is to be erased, and which rows that are.

use std::collections::BTreeSet;
use std::fmt::Debug;

use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};

use crate::schema::Table;

/// The columns by which a [`Choice`] chooses, as far as a table has them.
pub const CHOICE_COLUMNS: &[&str] = &[
    "time",
    "event",
    "session_id",
    "user_id",
    "user_email",
    "user_account_id",
    "user_account_uuid",
    "organization_id",
    "organization",
    "resource",
    "prompt_id",
    "token",
];

/// Somebody to be erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whom {
    /// What was asked for: a name, an e-mail address or an id.
    pub asked_for: String,
    /// The ids that are known to be theirs.
    pub ids: BTreeSet<String>,
    /// Only what belongs to this organisation.
    pub organization: Option<String>,
    /// Whether other people's items go, too, that mention one of the ids.
    pub with_mentions: bool,
    /// Not a person, but all that came with this token.
    #[serde(default)]
    pub token: Option<String>,
    /// Whether figures stay, as nobody's.
    #[serde(default)]
    pub keep_aggregates: bool,
    /// Whether the account by which they sign in has gone, too. The audit trail still names it.
    #[serde(default)]
    pub and_account: bool,
    /// Whether nothing more is to be taken of them.
    #[serde(default)]
    pub and_refuse: bool,
}

/// An erasure that somebody has asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its own id.
    pub id: String,
    /// Who is erased.
    pub whom: Whom,
    /// Who asked.
    pub asked_by: String,
    /// When, milliseconds since the Unix epoch.
    pub asked_at_ms: u64,
}

/// Characters of an order's id, two for a byte.
pub(super) const ID_CHARS: usize = 16;

impl Order {
    /// An order with an id of its own.
    ///
    /// # Errors
    /// The operating system has no random bytes to give.
    pub fn new(whom: Whom, asked_by: String, asked_at_ms: u64) -> std::io::Result<Order> {
        let random = base::secret::random()?;
        Ok(Order {
            id: random[..ID_CHARS / 2]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            whom,
            asked_by,
            asked_at_ms,
        })
    }
}

/// Says which rows are somebody's.
pub trait Choice: Debug + Send + Sync {
    /// For each row of events, metrics or spans, whether it is theirs. `rows` has at least
    /// [`CHOICE_COLUMNS`].
    ///
    /// # Errors
    /// The rows lack a column.
    fn chosen(&self, table: Table, rows: &RecordBatch) -> Result<Vec<bool>, String>;
}
