//! A question that is answered by the sums of parts where these say it (`digests.rs`).
//!
//! Its text is the same: for it alone, the view `usage` (or, where it asks who was active, the views
//! `events` and `metrics`) has a row for an hour instead of one for each item, wherever an hour is whole
//! in the range that is asked for. What the question may not see is left
//! out and replaced below that, of sums as of items.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::SessionContext;
use store::{Part, Snapshot, Table};

use crate::aside::{Asides, Copies};
use crate::digests::{Digests, Kind, Summed, TABLES};
use crate::people::{People, Resolver};
use crate::plan::Known;
use crate::provider::SnapshotTable;
use crate::sight::Lens;
use crate::views;

/// What is asked by hours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hours {
    pub(crate) kind: Kind,
    /// From this moment until before that one hours are whole, milliseconds since the Unix epoch.
    pub(crate) whole: (i64, i64),
}

/// The tables of a snapshot in sums, and the hours that are whole.
#[derive(Clone, Debug)]
pub(crate) struct ByHour {
    pub(crate) hours: Hours,
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
    hours: Hours,
    lens: &Lens,
) -> Result<Option<ByHour>> {
    let (at, owners) = ((snapshot, session), lens.owners());
    let everybodys = copies.asides(TABLES, at, None).await?;
    let asides = copies.asides(TABLES, at, owners).await?;
    if everybodys.len() < TABLES.len() || asides.len() < TABLES.len() {
        return Ok(None);
    }
    let tables = digests
        .of(hours.kind, (snapshot, &everybodys), session)
        .await?;
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
    /// Whether a view has a row for an hour here.
    pub(crate) fn is_of(&self, view: &str) -> bool {
        match self.hours.kind {
            Kind::Usage => view == "usage",
            Kind::Active => TABLES.iter().any(|table| table.name() == view),
        }
    }

    /// A view that has.
    pub(crate) async fn view(
        &self,
        name: &str,
        context: &SessionContext,
        snapshot: &Snapshot,
        known: &Known<'_>,
    ) -> Result<Arc<dyn TableProvider>> {
        let is_below = |table: &Table| match self.hours.kind {
            Kind::Usage => true,
            Kind::Active => table.name() == name,
        };
        let tables = TABLES.into_iter().zip(&self.tables);
        let tables: Vec<_> = tables.filter(|(table, _)| is_below(table)).collect();
        for (table, summed) in &tables {
            let (table, owners) = (*table, known.lens.owners());
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
            let sql = match self.hours.kind {
                Kind::Usage => views::sums_by_hour(BELOW, known.files),
                Kind::Active => views::active_by_hour(table, BELOW, known.files),
            };
            let (sums, rows) = (views::sums(table), Arc::new(summed.table(owners)));
            see(context, &sums, rows, ("sums", sql.as_str()), known.lens).await?;
        }
        let sql = match (self.hours.kind, &tables[..]) {
            (Kind::Active, [(table, _)]) => views::active_of(*table, self.hours.whole),
            _ => views::usage_by_hour(self.hours.whole),
        };
        let plan = context.state().create_logical_plan(&sql).await?;
        for name in tables
            .iter()
            .flat_map(|(table, _)| views::below_usage(*table))
        {
            context.deregister_table(name.as_str())?;
        }
        Ok(Arc::new(ViewTable::new(plan, Some(sql))))
    }
}

/// The table that is seen.
const BELOW: &str = "_below";

/// Registers the rows of a table as they are seen.
pub(crate) async fn see(
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
