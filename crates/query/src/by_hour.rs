//! A question that is answered by the sums of parts where these say it (`digests.rs`).
//!
//! Its text is the same: for it alone, the view `usage` has a row for an hour instead of one for each
//! item, wherever an hour is whole in the range that is asked for.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::SessionContext;
use store::{Part, Snapshot};

use crate::aside::{Asides, Copies};
use crate::digests::{Digests, Summed, TABLES};
use crate::people::{People, PeopleFiles, Resolver};
use crate::provider::SnapshotTable;
use crate::views;

/// The view that has a row for an hour.
pub(crate) const VIEW: &str = "usage";

/// The tables of a snapshot in sums, and the hours that are whole.
#[derive(Clone, Debug)]
pub(crate) struct ByHour {
    /// From this moment until before that one, milliseconds since the Unix epoch.
    pub(crate) hours: (i64, i64),
    pub(crate) tables: [Summed; TABLES.len()],
    /// By whom the mixed sessions were found: the question must go by the same.
    pub(crate) resolver: Resolver,
}

/// What a question by hours needs; `None` when it is not known which rows count.
pub(crate) async fn ready(
    (people, copies, digests): (&People, &Copies, &Digests),
    (snapshot, session): (&Snapshot, &SessionState),
    (hours, files): ((i64, i64), Arc<PeopleFiles>),
) -> Result<Option<ByHour>> {
    let asides = copies.asides(TABLES, snapshot, session).await?;
    if asides.len() < TABLES.len() {
        return Ok(None);
    }
    Ok(Some(ByHour {
        hours,
        tables: digests.of((snapshot, &asides), session).await?,
        resolver: people.resolver(files, snapshot, session).await?,
    }))
}

impl ByHour {
    /// The view.
    pub(crate) async fn view(
        &self,
        context: &SessionContext,
        (snapshot, asides): (&Snapshot, &Asides),
        files: &PeopleFiles,
    ) -> Result<Arc<dyn TableProvider>> {
        let mut names = Vec::new();
        for (table, summed) in TABLES.into_iter().zip(&self.tables) {
            let counted = |rows: SnapshotTable| match asides.get(&table) {
                Some(aside) => rows.counted(Arc::clone(aside)),
                None => rows,
            };
            let of = |parts: &[Part]| SnapshotTable::of_parts(table, parts.to_vec(), snapshot);
            let loose = of(&summed.others).with_buffer(snapshot, table);
            let mixed = summed.parts_with(|session| self.resolver.is_mixed(session));
            let below: [(String, Arc<dyn TableProvider>); 4] = [
                (views::sums(table), Arc::new(summed.table())),
                (views::loose(table), Arc::new(counted(loose))),
                (
                    views::digested(table),
                    Arc::new(counted(of(&summed.digested))),
                ),
                (views::mixed(table), Arc::new(counted(of(&mixed)))),
            ];
            for (name, rows) in below {
                context.register_table(name.as_str(), rows)?;
                names.push(name);
            }
        }
        let sql = views::usage_by_hour(files, self.hours);
        let plan = context.state().create_logical_plan(&sql).await?;
        for name in names {
            context.deregister_table(name.as_str())?;
        }
        Ok(Arc::new(ViewTable::new(plan, Some(sql))))
    }
}
