//! What a question may see.
//!
//! Invariant: it is decided where the tables' rows are made, below every view, filter, function and
//! statistic, and never in the text of a question. Of other organisations no row leaves the scan
//! (`only.rs`), whatever a question asks of it. What names somebody or quotes something is replaced in
//! a projection on top of the views that lie on tables (`mask.rs`): all other views, and all that
//! people write, are planned over that projection, so that a condition on a masked column is one on
//! the mask. What is not known to be harmless is withheld.
//!
//! | file | what is in it |
//! |---|---|
//! | `owner.rs` | whose organisation's an item is: the one place that decides it |
//! | `only.rs` | the rows of some organisations |
//! | `columns.rs` | what each column gives away |
//! | `members.rs` | the same of the members of JSON columns |
//! | `mask.rs` | the projection over a view |
//! | `pseudonym.rs` | keyed pseudonyms of people and machines |

mod columns;
mod mask;
mod members;
mod only;
mod owner;
mod pseudonym;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::Config;

pub(crate) use columns::may_hold_content;
pub(crate) use mask::{functions, withheld};
pub(crate) use only::OnlyOf;
pub(crate) use owner::{OF_ITEMS as OWNER_COLUMNS, Owners, named};
pub use pseudonym::Pseudonyms;

/// What a question may see. Cheap to clone.
///
/// Content is shown to nobody who may not see names: what people and models write names people.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sight {
    names: bool,
    content: bool,
    organizations: Option<Arc<BTreeSet<String>>>,
}

impl Sight {
    /// All rows as they are.
    #[must_use]
    pub fn everything() -> Sight {
        Sight {
            names: true,
            content: true,
            organizations: None,
        }
    }

    /// The same with pseudonyms for people and machines, and without content.
    #[must_use]
    pub fn without_names(mut self) -> Sight {
        self.names = false;
        self
    }

    /// The same without what people and models wrote, and what tools were given and said.
    #[must_use]
    pub fn without_content(mut self) -> Sight {
        self.content = false;
        self
    }

    /// The same of these organisations only, by the names that tokens write for and the ids that items
    /// claim (`owner.rs`). Of those that it was restricted to before, no more are seen.
    #[must_use]
    pub fn of_organizations(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Sight {
        let mut ids: BTreeSet<String> = ids.into_iter().map(Into::into).collect();
        if let Some(before) = &self.organizations {
            ids.retain(|id| before.contains(id));
        }
        self.organizations = Some(Arc::new(ids));
        self
    }

    /// Whether people and machines are called what they are called.
    #[must_use]
    pub fn has_names(&self) -> bool {
        self.names
    }

    /// Whether content is shown.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.names && self.content
    }

    /// Of which organisations rows are seen; `None`: of all.
    #[must_use]
    pub fn organizations(&self) -> Option<&BTreeSet<String>> {
        self.organizations.as_deref()
    }

    /// Whether nothing is kept from it.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.has_content() && self.organizations.is_none()
    }
}

/// A sight with what the engine needs to hold to it.
#[derive(Clone, Debug)]
pub(crate) struct Lens {
    sight: Sight,
    owners: Option<Owners>,
    /// The organisation of what is known to be of none.
    usual: Arc<str>,
    pseudonyms: Pseudonyms,
}

impl Lens {
    pub(crate) fn of(sight: Sight, config: &Config) -> Lens {
        let only = sight.organizations.clone();
        Lens {
            owners: only.map(|only| Owners::new(&config.organization, only)),
            usual: config.organization.trim().into(),
            pseudonyms: config.pseudonyms.clone(),
            sight,
        }
    }

    pub(crate) fn sight(&self) -> &Sight {
        &self.sight
    }

    /// The organisation of what is known to be of none.
    pub(crate) fn usual(&self) -> &str {
        &self.usual
    }

    /// Whose rows are seen; `None`: everybody's.
    pub(crate) fn owners(&self) -> Option<&Owners> {
        self.owners.as_ref()
    }

    /// What people and machines are called instead, where they are not called what they are called.
    pub(crate) fn pseudonyms(&self) -> Option<&Pseudonyms> {
        (!self.sight.names).then_some(&self.pseudonyms)
    }
}
