//! What becomes of a stored item: it stays, loses its content, is reduced to its figures, or goes.
//!
//! Invariant: what a column is not named for here is lost with the first treatment that takes figures
//! apart from the rest, so a new column keeps nothing by being forgotten. A row that was treated is the
//! same when it is treated again.
//!
//! | file | what is in it |
//! |---|---|
//! | `columns.rs` | what is done to which column |
//! | `members.rs` | which attributes are figures, which content |
//! | `texts.rs` | a column of text, value by value |

mod columns;
mod members;
#[cfg(test)]
mod tests;
mod texts;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow::compute::kernels::zip::zip;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use ring::hmac;

use crate::schema::Table;
use crate::split::Split;
use columns::{Rule, rule};
use texts::{Row, Texts};

pub use members::REDUCED;

/// Who has been erased, and whose figures are kept.
pub const ERASED: &str = "erased";
/// What stands for an id: this, and 24 hexadecimal digits.
const HASHED: &str = "~";
const HASH_DIGITS: usize = 24;

/// What becomes of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Treatment {
    /// Nothing.
    #[default]
    Stays,
    /// What was said and done goes; who, when, how much and with what stays.
    WithoutContent,
    /// What is counted stays, by whom and by what; ids become keyed hashes.
    Figures,
    /// The same, and whose it was goes, too.
    OfNobody,
    /// It goes.
    Goes,
}

/// What must stay as it is, although it is no figure: by it an administrator's mapping names people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Keys of the resource.
    pub resource: BTreeSet<String>,
    /// Ids of sessions.
    pub sessions: BTreeSet<String>,
}

/// Treats rows.
pub(crate) struct Treating {
    pub(crate) key: hmac::Key,
    /// Sessions of which items stay as they are: their ids are kept until the last is reduced, so that a
    /// session is one session on both sides.
    pub(crate) going_on: HashSet<u64>,
    /// Sessions that came under several resources.
    pub(crate) split: Arc<Split>,
    pub(crate) named: Named,
}

/// Rows that were treated.
pub(crate) struct Treated {
    /// Those that are left.
    pub(crate) rows: RecordBatch,
    /// For each row that was given, whether anything of it has changed but its ids.
    pub(crate) changed: Vec<bool>,
    /// The same of its ids.
    pub(crate) ids_changed: Vec<bool>,
    /// Rows whose ids were kept because their session goes on.
    pub(crate) ids_kept: u64,
    /// Split sessions whose names were hashed, and how they are called now.
    pub(crate) renamed: Vec<(String, String)>,
}

/// By what a session is known among those that go on.
pub(crate) fn session_hash(session: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(session.as_bytes())
}

/// Whether a text is what stands for an id.
pub(crate) fn is_hashed(text: &str) -> bool {
    text.strip_prefix(HASHED).is_some_and(|digits| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        digits.len() == HASH_DIGITS && digits.bytes().all(is_digit)
    })
}

impl Treating {
    /// Treats each row as it is said.
    pub(crate) fn treat(
        &self,
        table: Table,
        rows: &RecordBatch,
        treatments: &[Treatment],
    ) -> Result<Treated, ArrowError> {
        let mut treated = Treated {
            rows: rows.clone(),
            changed: vec![false; rows.num_rows()],
            ids_changed: vec![false; rows.num_rows()],
            ids_kept: 0,
            renamed: Vec::new(),
        };
        if treatments.iter().all(|is| *is == Treatment::Stays) {
            return Ok(treated);
        }
        let around = Texts::of(rows);
        let schema = rows.schema();
        let mut columns = Vec::with_capacity(rows.num_columns());
        for (field, column) in schema.fields().iter().zip(rows.columns()) {
            let rule = rule(table, field.name());
            columns.push(self.column(rule, table, column, treatments, &around, &mut treated)?);
        }
        self.note_sessions(table, &around, treatments, &mut treated);
        let stays = treatments.iter().map(|is| *is != Treatment::Goes);
        let stays: BooleanArray = stays.map(Some).collect();
        let rows = RecordBatch::try_new(schema, columns)?;
        treated.rows = arrow::compute::filter_record_batch(&rows, &stays)?;
        for (changed, is) in treated.changed.iter_mut().zip(treatments) {
            *changed |= *is == Treatment::Goes;
        }
        Ok(treated)
    }

    fn column(
        &self,
        rule: Rule,
        table: Table,
        column: &ArrayRef,
        treatments: &[Treatment],
        around: &Texts<'_>,
        treated: &mut Treated,
    ) -> Result<ArrayRef, ArrowError> {
        let from = match rule {
            Rule::Stays => return Ok(Arc::clone(column)),
            Rule::Content => {
                return blanked(column, treatments, Treatment::WithoutContent, treated);
            }
            Rule::Lost => return blanked(column, treatments, Treatment::Figures, treated),
            Rule::Person => return blanked(column, treatments, Treatment::OfNobody, treated),
            Rule::Attributes => Treatment::WithoutContent,
            Rule::Resource | Rule::Id => Treatment::Figures,
            Rule::Mark | Rule::Machine => Treatment::OfNobody,
        };
        let write = |row: &Row<'_>| match rule {
            Rule::Mark => Some(ERASED.to_owned()),
            Rule::Id | Rule::Machine => self.id(row, around),
            Rule::Resource => self.resource(row),
            _ => self.attributes(table, row, around),
        };
        let changed = match rule {
            Rule::Id => &mut treated.ids_changed,
            _ => &mut treated.changed,
        };
        texts::rewritten(column, treatments, from, write, changed)
    }

    /// An id, hashed unless its session goes on.
    fn id(&self, row: &Row<'_>, around: &Texts<'_>) -> Option<String> {
        let id = row.text?;
        let keeps = row.treatment == Treatment::Figures
            && (is_hashed(id) || around.session(row.at).is_some_and(|of| self.goes_on(of)));
        Some(match keeps {
            true => id.to_owned(),
            false => self.hashed(&[id]),
        })
    }

    pub(crate) fn goes_on(&self, session: &str) -> bool {
        self.named.sessions.contains(session) || self.going_on.contains(&session_hash(session))
    }

    fn resource(&self, row: &Row<'_>) -> Option<String> {
        let keeps = |key: &str| self.named.resource.contains(key);
        members::of_resource(row.text?, keeps, |text| self.hashed(&[text]))
    }

    fn attributes(&self, table: Table, row: &Row<'_>, around: &Texts<'_>) -> Option<String> {
        let name = around.session(row.at).or_else(|| around.user(row.at));
        let split = self.split.of(table);
        let is_split = name.is_some_and(|name| split.is_some_and(|split| split.may_be(name)));
        // By what copies of it are told from others, now that the texts go.
        let mark = is_split.then(|| {
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            let said = [
                text(row.text),
                text(around.body(row.at)),
                text(around.error(row.at)),
            ];
            self.hashed(&said.each_ref().map(String::as_str))
        });
        members::of_item(row.text, row.treatment >= Treatment::Figures, mark)
    }

    fn hashed(&self, texts: &[&str]) -> String {
        let mut signing = hmac::Context::with_key(&self.key);
        for text in texts {
            signing.update(&(text.len() as u64).to_le_bytes());
            signing.update(text.as_bytes());
        }
        let tag = signing.sign();
        let digits = tag.as_ref().iter().take(HASH_DIGITS / 2);
        let digits: String = digits.map(|byte| format!("{byte:02x}")).collect();
        format!("{HASHED}{digits}")
    }

    /// Counts rows whose ids were kept, and names the split sessions that are called otherwise now.
    fn note_sessions(
        &self,
        table: Table,
        around: &Texts<'_>,
        treatments: &[Treatment],
        treated: &mut Treated,
    ) {
        let split = self.split.of(table);
        let mut last = None;
        for (row, is) in treatments.iter().enumerate() {
            let name = around.session(row);
            let Some(name) = name.or_else(|| around.user(row)) else {
                continue;
            };
            let is_session = around.session(row).is_some();
            let is_reduced = matches!(is, Treatment::Figures | Treatment::OfNobody);
            if !is_reduced || is_hashed(name) {
                continue;
            }
            if *is == Treatment::Figures && is_session && self.goes_on(name) {
                treated.ids_kept += 1;
                continue;
            }
            // An installation is called otherwise only when it is nobody's any more.
            let is_renamed = is_session || *is == Treatment::OfNobody;
            if last == Some(name) || !is_renamed || !split.is_some_and(|split| split.may_be(name)) {
                continue;
            }
            last = Some(name);
            treated
                .renamed
                .push((name.to_owned(), self.hashed(&[name])));
        }
    }
}

/// A column without the values of rows whose treatment is at least `from`.
fn blanked(
    column: &ArrayRef,
    treatments: &[Treatment],
    from: Treatment,
    treated: &mut Treated,
) -> Result<ArrayRef, ArrowError> {
    if column.null_count() == column.len() {
        return Ok(Arc::clone(column));
    }
    let mut is_any = false;
    let goes = |row: usize| treatments[row] >= from;
    for (row, changed) in treated.changed.iter_mut().enumerate() {
        let is_lost = goes(row) && column.is_valid(row);
        *changed |= is_lost;
        is_any |= is_lost;
    }
    if !is_any {
        return Ok(Arc::clone(column));
    }
    let mask: BooleanArray = (0..column.len()).map(|row| Some(goes(row))).collect();
    let none = new_null_array(column.data_type(), column.len());
    zip(&mask, &none, column)
}
