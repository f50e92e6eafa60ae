//! Whose organisation's an item is.
//!
//! Invariant: this is the one place that decides it. An item belongs to the organisation of the token
//! with which it came, whatever it claims. One without a token belongs to the organisation that it
//! names; one that names none belongs to the organisation of the settings. Of an item that could not be
//! understood, the name is looked for in its bytes.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, StringViewArray};
use arrow::record_batch::RecordBatch;
use store::Table;

use crate::functions::text_sent;

/// The attribute that names it.
const ATTRIBUTE: &str = "organization.id";
/// The columns that say it of an item that could be understood.
pub(crate) const OF_ITEMS: [&str; 2] = [OF_TOKEN, CLAIMED];
/// The column of the token's organisation.
const OF_TOKEN: &str = "organization";
/// The column of what items claim.
const CLAIMED: &str = "organization_id";

/// The organisation that an item is known to be of: its token's, else the one that it names; `None`: it
/// is of the one of the settings.
pub(crate) fn named<'a>(of_token: Option<&'a str>, claimed: Option<&'a str>) -> Option<&'a str> {
    let said = |name: Option<&'a str>| name.map(str::trim).filter(|name| !name.is_empty());
    said(of_token).or_else(|| said(claimed))
}

/// The organisations whose items are seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owners {
    /// The one of items that name none.
    usual: Arc<str>,
    only: Arc<BTreeSet<String>>,
}

impl Owners {
    pub(crate) fn new(usual: &str, only: Arc<BTreeSet<String>>) -> Owners {
        Owners {
            usual: usual.into(),
            only,
        }
    }

    /// Whether they own what is of this organisation ([`named`]), or of none that is known.
    pub(crate) fn own(&self, organization: Option<&str>) -> bool {
        self.only
            .contains(named(organization, None).unwrap_or(&self.usual))
    }

    /// The columns by which it is decided.
    pub(crate) fn columns(table: Table) -> &'static [&'static str] {
        match table {
            Table::Events | Table::Metrics | Table::Spans => &OF_ITEMS,
            Table::Quarantine => &[OF_TOKEN, "item", "encoding"],
        }
    }

    /// Which rows of a batch they own; `None` when it lacks a column.
    pub(crate) fn rows(&self, table: Table, batch: &RecordBatch) -> Option<BooleanArray> {
        let text = |name: &str| -> Option<&StringViewArray> {
            batch.column_by_name(name)?.as_any().downcast_ref()
        };
        let of_token = text(OF_TOKEN)?;
        match table {
            Table::Events | Table::Metrics | Table::Spans => {
                Some(self.naming(of_token, text(CLAIMED)?))
            }
            Table::Quarantine => {
                let (items, encodings) = (text("item")?, text("encoding")?);
                let rows = of_token.iter().zip(items.iter().zip(encodings));
                let own = rows.map(|(of_token, (item, encoding))| {
                    let sent = || item.and_then(|item| text_sent(item, encoding, ATTRIBUTE));
                    match named(of_token, None) {
                        None => self.own(sent().as_deref()),
                        known => self.own(known),
                    }
                });
                Some(own.collect::<Vec<_>>().into())
            }
        }
    }

    fn naming(&self, of_token: &StringViewArray, claimed: &StringViewArray) -> BooleanArray {
        let view = |texts: &StringViewArray, row| texts.is_valid(row).then(|| texts.views()[row]);
        // Rows of an organisation lie together and repeat the same bytes.
        let mut last: Option<([Option<u128>; 2], bool)> = None;
        let own = (0..claimed.len()).map(|row| {
            let views = [view(of_token, row), view(claimed, row)];
            match last {
                Some((known, own)) if known == views => own,
                _ => {
                    let own = self.own(named(text(of_token, row), text(claimed, row)));
                    last = Some((views, own));
                    own
                }
            }
        });
        own.collect::<Vec<_>>().into()
    }
}

fn text(texts: &StringViewArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(only: &[&str], of_token: &StringViewArray, claimed: &StringViewArray) -> Vec<usize> {
        let only = only.iter().map(|id| (*id).to_owned()).collect();
        let rows = Owners::new("own", Arc::new(only)).naming(of_token, claimed);
        (0..claimed.len()).filter(|row| rows.value(*row)).collect()
    }

    #[test]
    fn what_names_none_belongs_to_the_organisation_of_the_settings() {
        let claimed =
            StringViewArray::from(vec![Some("a"), None, Some(" "), Some("b"), Some("own")]);
        let none = StringViewArray::from(vec![None::<&str>; 5]);
        let rows = |only: &[&str]| rows(only, &none, &claimed);
        assert_eq!(rows(&["a"]), [0]);
        assert_eq!(rows(&["own"]), [1, 2, 4]);
        assert_eq!(rows(&["a", "b"]), [0, 3]);
        assert!(rows(&[]).is_empty());
    }

    #[test]
    fn the_token_says_more_than_the_item() {
        let of_token = StringViewArray::from(vec![Some("a"), Some("a"), Some(" "), None]);
        let claimed = StringViewArray::from(vec![Some("b"), None, Some("b"), Some("b")]);
        let rows = |only: &[&str]| rows(only, &of_token, &claimed);
        assert_eq!(rows(&["a"]), [0, 1]);
        assert_eq!(rows(&["b"]), [2, 3]);
        assert!(rows(&["own"]).is_empty());
    }
}
