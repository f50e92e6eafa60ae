//! A question that is answered by the sums of parts where these say it (`digests.rs`).
//!
//! Its text is the same: for it alone, the view `usage` has a row for an hour instead of one for each
//! item, wherever an hour is whole in the range that is asked for. What the question may not see is left
//! out and replaced below that, of sums as of items.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::SessionContext;
use store::{Part, Snapshot};

use crate::aside::{Asides, Copies};
use crate::digests::{Digests, Summed, TABLES};
use crate::people::{People, Resolver};
use crate::plan::Known;
use crate::provider::SnapshotTable;
use crate::sight::Lens;
use crate::views;

/// The view that has a row for an hour.
pub(crate) const VIEW: &str = "usage";

/// The tables of a snapshot in sums, and the hours that are whole.
#[derive(Clone, Debug)]
pub(crate) struct ByHour {
    /// From this moment until before that one, milliseconds since the Unix epoch.
    hours: (i64, i64),
    tables: [Summed; TABLES.len()],
    /// The rows that do not count.
    asides: Asides,
    /// By whom the mixed sessions were found: the question must go by the same.
    pub(crate) resolver: Resolver,
}

/// What a question by hours needs; `None` when it is not known which rows count.
pub(crate) async fn ready(
    (people, copies, digests): (&People, &Copies, &Digests),
    (snapshot, session): (&Snapshot, &SessionState),
    hours: (i64, i64),
    lens: &Lens,
) -> Result<Option<ByHour>> {
    let (at, owners) = ((snapshot, session), lens.owners());
    let everybodys = copies.asides(TABLES, at, None).await?;
    let asides = copies.asides(TABLES, at, owners).await?;
    if everybodys.len() < TABLES.len() || asides.len() < TABLES.len() {
        return Ok(None);
    }
    let tables = digests.of((snapshot, &everybodys), session).await?;
    let fits = |part: &Part| asides[&part.table].is_everybodys(part);
    Ok(Some(ByHour {
        hours,
        tables: tables.map(|summed| summed.fitting(fits)),
        resolver: people
            .resolver(people.files(), snapshot, session, lens)
            .await?,
        asides,
    }))
}

impl ByHour {
    /// The view.
    pub(crate) async fn view(
        &self,
        context: &SessionContext,
        snapshot: &Snapshot,
        known: &Known<'_>,
    ) -> Result<Arc<dyn TableProvider>> {
        for (table, summed) in TABLES.into_iter().zip(&self.tables) {
            let owners = known.lens.owners();
            let rows = |parts: &[Part]| {
                let rows = SnapshotTable::of_parts(table, parts.to_vec(), snapshot);
                rows.of(owners.cloned())
            };
            let mixed = summed.parts_with(|session| self.resolver.is_mixed(session));
            let items = [
                (
                    views::loose(table),
                    rows(&summed.others).with_buffer(snapshot, table),
                ),
                (views::digested(table), rows(&summed.digested)),
                (views::mixed(table), rows(&mixed)),
            ];
            for (name, rows) in items {
                let rows = rows.counted(Arc::clone(&self.asides[&table]));
                let sql = views::items_by_hour(table, BELOW, known.files);
                let seen = (table.name(), sql.as_str());
                see(context, &name, Arc::new(rows), seen, known.lens).await?;
            }
            let (sums, sql) = (views::sums(table), views::sums_by_hour(BELOW, known.files));
            let rows = Arc::new(summed.table(owners));
            see(context, &sums, rows, ("sums", sql.as_str()), known.lens).await?;
        }
        let sql = views::usage_by_hour(self.hours);
        let plan = context.state().create_logical_plan(&sql).await?;
        for name in TABLES.into_iter().flat_map(views::below_usage) {
            context.deregister_table(name.as_str())?;
        }
        Ok(Arc::new(ViewTable::new(plan, Some(sql))))
    }
}

/// The table that is seen.
const BELOW: &str = "_below";

/// Registers the rows of a table as they are seen.
async fn see(
    context: &SessionContext,
    name: &str,
    rows: Arc<dyn TableProvider>,
    (view, sql): (&str, &str),
    lens: &Lens,
) -> Result<()> {
    context.register_table(BELOW, rows)?;
    let plan = context.state().create_logical_plan(sql).await?;
    context.deregister_table(BELOW)?;
    let seen = lens.mask(view, plan, context)?;
    context.register_table(name, Arc::new(ViewTable::new(seen, None)))?;
    Ok(())
}
