//! Sessions that go on.
//!
//! A session that lasts over midnight is on two days, and these are reduced one after the other. Were its
//! ids hashed on the first day, it would be two sessions until the second is reduced, too: it would count
//! twice, and metrics of the second day, which repeat what events of the first say, would count beside
//! them. So the ids of a session stay until all of its items within a week are reduced. They are in the
//! items that stay, too, so nothing is told by them that is not told otherwise.

use std::collections::HashSet;

use arrow::array::AsArray;

use super::Holding;
use super::due::{Judge, sessions, sessions_to_reduce};
use super::rules::Retention;
use crate::error::StoreError;
use crate::part::Part;
use crate::rewriting::on_cpu;
use crate::schema::Table;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::treatment::{Treatment, is_hashed, session_hash};

/// A session with a longer pause is two.
const AROUND_DAYS: u32 = 7;

/// By what sessions of one day are judged.
#[derive(Clone)]
pub(super) struct Judging {
    pub(super) retention: std::sync::Arc<Retention>,
    pub(super) held: std::sync::Arc<dyn Holding>,
    pub(super) today: u32,
}

impl Judging {
    pub(super) fn of(&self, day: u32) -> Judge<'_> {
        Judge {
            retention: &self.retention,
            held: self.held.as_ref(),
            day,
            today: self.today,
        }
    }
}

impl Store {
    /// Of the sessions that are to be reduced in `due`, parts of one day, those that go on. The parts of
    /// later days have been treated before.
    pub(super) async fn going_on(
        &self,
        snapshot: &Snapshot,
        day: u32,
        due: &[Part],
        judging: &Judging,
    ) -> Result<HashSet<u64>, StoreError> {
        let mut reduced = HashSet::new();
        for part in due {
            let Some(file) = self.part_file(snapshot, part).await? else {
                continue;
            };
            let (table, judging) = (part.table, judging.clone());
            let of_part = on_cpu(move || sessions_to_reduce(table, file, &judging.of(day)));
            reduced.extend(of_part.await?);
        }
        let mut going_on = HashSet::new();
        if reduced.is_empty() {
            return Ok(going_on);
        }
        for table in Table::ALL {
            for batch in snapshot.batches(table) {
                let Some(ids) = batch.column_by_name("session_id") else {
                    continue;
                };
                let raw = ids.as_string_view().iter().flatten().map(session_hash);
                going_on.extend(raw.filter(|session| reduced.contains(session)));
            }
        }
        let is_mixed = judging.held.is_any() || !judging.retention.rules.is_empty();
        for part in &snapshot.manifest.parts {
            let is_later = part.day > day && part.day <= day.saturating_add(AROUND_DAYS);
            let is_earlier = part.day <= day && part.day.saturating_add(AROUND_DAYS) >= day;
            if part.table == Table::Quarantine || !(is_later || is_earlier && is_mixed) {
                continue;
            }
            let Some(file) = self.part_file(snapshot, part).await? else {
                continue;
            };
            let (table, day, judging) = (part.table, part.day, judging.clone());
            let of_part = on_cpu(move || match is_later {
                true => sessions(table, file, None, |_, id| !is_hashed(id)),
                false => sessions(table, file, Some(&judging.of(day)), |is, id| {
                    is < Treatment::Figures && !is_hashed(id)
                }),
            });
            let of_part = of_part.await?.into_iter();
            going_on.extend(of_part.filter(|session| reduced.contains(session)));
        }
        Ok(going_on)
    }
}
