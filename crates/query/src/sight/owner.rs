//! Whose organisation's an item is.
//!
//! Invariant: this is the one place that decides it. An item belongs to the organisation that it
//! names; one that names none belongs to the organisation of the settings. Of an item that could not
//! be understood, the name is looked for in its bytes.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, StringViewArray};
use arrow::record_batch::RecordBatch;
use store::Table;

use crate::functions::text_sent;

/// The attribute that names it.
const ATTRIBUTE: &str = "organization.id";
/// The column that says it of an item that could be understood.
pub(crate) const COLUMN: &str = "organization_id";

/// The organisations whose items are seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owners {
    /// The one of items that name none.
    usual: Arc<str>,
    only: Arc<BTreeSet<String>>,
}

impl Owners {
    pub(super) fn new(usual: &str, only: Arc<BTreeSet<String>>) -> Owners {
        Owners {
            usual: usual.into(),
            only,
        }
    }

    /// Whether they own what names this organisation, or none.
    pub(crate) fn own(&self, organization: Option<&str>) -> bool {
        let named = organization.map(str::trim).filter(|name| !name.is_empty());
        self.only.contains(named.unwrap_or(&self.usual))
    }

    /// The columns by which it is decided.
    pub(crate) fn columns(table: Table) -> &'static [&'static str] {
        match table {
            Table::Events | Table::Metrics | Table::Spans => &[COLUMN],
            Table::Quarantine => &["item", "encoding"],
        }
    }

    /// Which rows of a batch they own; `None` when it lacks a column.
    pub(crate) fn rows(&self, table: Table, batch: &RecordBatch) -> Option<BooleanArray> {
        let text = |name: &str| -> Option<&StringViewArray> {
            batch.column_by_name(name)?.as_any().downcast_ref()
        };
        match table {
            Table::Events | Table::Metrics | Table::Spans => Some(self.naming(text(COLUMN)?)),
            Table::Quarantine => {
                let (items, encodings) = (text("item")?, text("encoding")?);
                let rows = items.iter().zip(encodings);
                let own = rows.map(|(item, encoding)| {
                    let sent = item.and_then(|item| text_sent(item, encoding, ATTRIBUTE));
                    self.own(sent.as_deref())
                });
                Some(own.collect::<Vec<_>>().into())
            }
        }
    }

    fn naming(&self, names: &StringViewArray) -> BooleanArray {
        // Rows of an organisation lie together and repeat the same bytes.
        let mut last: Option<(Option<u128>, bool)> = None;
        let own = (0..names.len()).map(|row| {
            let view = names.is_valid(row).then(|| names.views()[row]);
            match last {
                Some((known, own)) if known == view => own,
                _ => {
                    let own = self.own(view.map(|_| names.value(row)));
                    last = Some((view, own));
                    own
                }
            }
        });
        own.collect::<Vec<_>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_none_belongs_to_the_organisation_of_the_settings() {
        let of = |only: &[&str]| {
            let only = only.iter().map(|id| (*id).to_owned()).collect();
            Owners::new("own", Arc::new(only))
        };
        let names = StringViewArray::from(vec![Some("a"), None, Some(" "), Some("b"), Some("own")]);
        let rows = |only: &[&str]| {
            let rows = of(only).naming(&names);
            (0..5).filter(|row| rows.value(*row)).collect::<Vec<_>>()
        };
        assert_eq!(rows(&["a"]), [0]);
        assert_eq!(rows(&["own"]), [1, 2, 4]);
        assert_eq!(rows(&["a", "b"]), [0, 3]);
        assert!(rows(&[]).is_empty());
    }
}
