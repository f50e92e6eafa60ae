//! By what an engine answers: prices, files of people, limits, and the answers it keeps.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use crate::cost::Cost;
use crate::kept::Kept;
use crate::people::{PeopleFiles, Resolver};
use crate::sight::Lens;

impl Engine {
    /// How costs are reckoned.
    pub(crate) fn cost(&self) -> &Cost {
        &self.config.cost
    }

    /// Takes over the files that say who people are: queries that begin later go by them, of whatever
    /// time they ask.
    pub fn set_people(&self, files: PeopleFiles) {
        self.people.set_files(files);
    }

    /// The files that say who people are.
    pub(crate) fn people_files(&self) -> Arc<PeopleFiles> {
        self.people.files()
    }

    /// This moment, milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> i64 {
        let now_ms = self.store.clock().now_unix_ns() / 1_000_000;
        i64::try_from(now_ms).unwrap_or(i64::MAX)
    }

    /// How long one query may take.
    pub fn timeout(&self) -> Duration {
        self.config.timeout
    }

    /// What takes longer may be answered by an older answer.
    pub(crate) fn older_after(&self) -> Duration {
        self.config.older_after
    }

    /// The answers that are kept.
    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Names people by what is known of them already.
    pub(crate) fn people_now(&self, lens: &Lens) -> Resolver {
        self.people.resolver_now(lens)
    }
}
