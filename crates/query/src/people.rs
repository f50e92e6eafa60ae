//! Who did it: people, and their teams, departments and cost centres, resolved when a query runs.
//!
//! Nothing stored changes. What items say of whose they are is folded into a directory, and each row
//! of an answer is resolved by it; so what is learnt later, or written into a file later, repairs past
//! answers. `docs/people.md` has the rules.
//!
//! | file | what is in it |
//! |---|---|
//! | `facts.rs` | what items say, each tuple once |
//! | `directory.rs` | the fold of all facts |
//! | `shards.rs` | a map that is cheap to copy |
//! | `learnt.rs` | the directory of a snapshot, from its parts and its buffer |
//! | `resolve.rs` | the rules: whose an item is |
//! | `basis.rs` | what that rests on |
//! | `mapping.rs` | the administrator's word on ids and clients |
//! | `roster.rs` | who is expected |
//! | `theirs.rs` | which rows are somebody's, for erasing them |
//! | `token.rs` | which rows came with a token, for erasing them |
//! | `sheet.rs` | tables that people keep as CSV |

mod basis;
mod directory;
mod facts;
mod learnt;
mod mapping;
mod resolve;
mod roster;
mod shards;
mod sheet;
mod theirs;
mod token;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use store::Snapshot;

pub(crate) use directory::About;
use directory::Directory;
use facts::Keys;
pub(crate) use facts::Times;
pub(crate) use learnt::BatchId;
use learnt::Learnt;
pub use mapping::Mapping;
pub(crate) use resolve::{Item, Resolver};
pub use roster::Roster;
pub(crate) use theirs::Theirs;
pub(crate) use token::WithToken;

use crate::sight::Lens;

/// The files that say who people are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeopleFiles {
    /// What the administrator says of ids and of clients that name nobody.
    pub mapping: Option<Mapping>,
    /// Who is expected.
    pub roster: Option<Roster>,
    /// Ingest tokens that are bound to one person: by the token's id, the e-mail address or account id.
    pub tokens: TokenPeople,
}

/// The one person of each token that has one.
pub type TokenPeople = BTreeMap<String, Arc<str>>;

impl PeopleFiles {
    pub(crate) fn is_any(&self) -> bool {
        self.mapping.is_some() || self.roster.is_some() || !self.tokens.is_empty()
    }
}

/// What an engine knows of people.
#[derive(Debug)]
pub(crate) struct People {
    keys: Keys,
    files: RwLock<Arc<PeopleFiles>>,
    learnt: Learnt,
}

impl People {
    pub(crate) fn new() -> People {
        let keys = Keys::new();
        People {
            keys,
            files: RwLock::default(),
            learnt: Learnt::new(keys),
        }
    }

    /// Takes other files over: queries that begin later go by them.
    pub(crate) fn set_files(&self, files: PeopleFiles) {
        *self.files.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(files);
    }

    pub(crate) fn files(&self) -> Arc<PeopleFiles> {
        Arc::clone(&self.files.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Resolves the rows of a snapshot.
    pub(crate) async fn resolver(
        &self,
        files: Arc<PeopleFiles>,
        snapshot: &Snapshot,
        session: &SessionState,
        lens: &Lens,
    ) -> Result<Resolver, DataFusionError> {
        let directory = self.learnt.directory(snapshot, session, lens.owners());
        Ok(self.by(directory.await?, files, lens))
    }

    /// Resolves by what is known already.
    pub(crate) fn resolver_now(&self, lens: &Lens) -> Resolver {
        self.by(self.learnt.newest(lens.owners()), self.files(), lens)
    }

    fn by(&self, directory: Arc<Directory>, files: Arc<PeopleFiles>, lens: &Lens) -> Resolver {
        Resolver {
            directory,
            files,
            keys: self.keys,
            owners: lens.owners().cloned(),
            pseudonyms: lens.pseudonyms().cloned(),
        }
    }
}
