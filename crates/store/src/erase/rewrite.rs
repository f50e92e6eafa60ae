//! Parts without the rows, and the manifest that names them.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;
use bytes::Bytes;
use parquet::errors::ParquetError;
use ring::hmac;

use super::intent::{ErasedPart, Found, STRETCHES_PATH};
use super::needles::Stretches;
use super::order::Choice;
use super::{Erasure, ErasureProgress, May};
use crate::error::StoreError;
use crate::manifest;
use crate::part::{Part, Reader, Rewriting, Rewritten, prompts_of};
use crate::rewriting::{Replacements, Switch, on_cpu};
use crate::schema::Table;
use crate::store::Store;
use crate::treatment::{Named, Treating, Treatment};

impl Erasure {
    /// Writes the parts anew and makes them those that count.
    pub(super) async fn rewrite(
        &mut self,
        choice: &Arc<dyn Choice>,
        may: &May,
    ) -> Result<Found, StoreError> {
        let store = Arc::clone(&self.store);
        let manifest = Arc::clone(&self.snapshot.manifest);
        let bytes_before = store.bytes_on_disk().await?;
        let (whom, total) = (&self.intent.order.whom, manifest.parts.len() as u64);
        let told = |done| self.stage(&store, "looking", done, total);
        let looked = store.look(&self.snapshot, whom, choice, told).await?;
        let key = base::secret::random()?;
        let mut stretches =
            Stretches::new(u64::from_le_bytes(key[..8].try_into().unwrap_or_default()));
        let (mut replacements, mut erased) = (Replacements::new(), Vec::new());
        // Nobody knows it afterwards: what stands for ids of figures leads back to nobody.
        let key = base::secret::random()?;
        let nobody = whom.keep_aggregates.then(|| {
            Arc::new(Treating {
                key: hmac::Key::new(hmac::HMAC_SHA256, &key),
                going_on: HashSet::new(),
                split: Arc::clone(&self.snapshot.split),
                named: Named::default(),
            })
        });
        let (mut renamed, mut figures_kept) = (Vec::new(), 0);
        let total = looked.parts.len() as u64;
        let written = async {
            for (done, (part, mask)) in (0..).zip(&looked.parts) {
                self.stage(&store, "rewriting", done, total);
                let (new, without) = store
                    .rewrite_part(&self.snapshot, part, mask, stretches, nobody.clone())
                    .await?;
                stretches = without.stretches;
                renamed.extend(without.renamed);
                figures_kept += without.figures_kept;
                erased.push(ErasedPart {
                    path: part.path.clone(),
                    rows_removed: mask.count_set_bits() as u64,
                    bytes_before: part.bytes,
                    bytes_after: new.as_ref().map_or(0, |new| new.bytes),
                });
                replacements.insert(part.path.clone(), new);
            }
            store
                .objects
                .replace(STRETCHES_PATH, stretches.encode())
                .await
        };
        let outcome = written.await;
        let kept = manifest
            .parts
            .iter()
            .filter(|part| !replacements.contains_key(&part.path));
        let new = replacements.values().flatten();
        let found = Found {
            counts: looked.tally.counts,
            identifiers: looked.identifiers.iter().cloned().collect(),
            parts: erased,
            unread: looked.unread,
            through: manifest.journal_through,
            known: kept.chain(new).map(|part| part.path.clone()).collect(),
            bytes_before,
            figures_kept,
        };
        let outcome = match outcome {
            Ok(()) => {
                self.intent.found = Some(found.clone());
                self.intent.save(&store.objects).await
            }
            failed => failed,
        };
        let id = self.intent.order.id.clone();
        let switch = Switch {
            replacements: &replacements,
            erasure: Some(&id),
            forgotten: &looked.identifiers,
            renamed: &renamed,
            may: &|| may(),
        };
        let outcome = match outcome {
            Ok(()) => store.replace_parts(&switch).await,
            failed => failed,
        };
        if outcome.is_err() && !store.may_be_switched(&id).await {
            for part in replacements.values().flatten() {
                store.delete_part_at(&part.path).await?;
            }
        }
        outcome.map(|()| found)
    }
}

impl Store {
    /// Writes a part anew without the rows of the mask, or with their figures. Nothing names it yet.
    async fn rewrite_part(
        &self,
        snapshot: &crate::Snapshot,
        part: &Part,
        mask: &BooleanBuffer,
        stretches: Stretches,
        nobody: Option<Arc<Treating>>,
    ) -> Result<(Option<Part>, Without), StoreError> {
        let damaged = || StoreError::Damaged {
            path: part.path.clone(),
            reason: "it was sound a moment ago".into(),
        };
        let file = self.part_file(snapshot, part).await?.ok_or_else(damaged)?;
        let (table, mask) = (part.table, mask.clone());
        let rewriting = move || without(table, file, &mask, stretches, nobody.as_deref());
        let mut without = on_cpu(rewriting).await?;
        let Some(rewritten) = without.rewritten.take() else {
            return Ok((None, without));
        };
        let new = self.put_rewritten(part, rewritten).await?;
        Ok((Some(new), without))
    }

    /// Whether a manifest of this erasure may count after the next start. What cannot be read may.
    pub(super) async fn may_be_switched(&self, id: &str) -> bool {
        match manifest::load(&self.objects).await {
            Ok(Some(loaded)) => loaded.manifest.erasure.as_deref() == Some(id),
            _ => true,
        }
    }
}

/// A part without the rows that go.
struct Without {
    rewritten: Option<Rewritten>,
    stretches: Stretches,
    renamed: Vec<(Table, String)>,
    /// Rows of which the figures stay.
    figures_kept: u64,
}

fn without(
    table: Table,
    file: Bytes,
    mask: &BooleanBuffer,
    stretches: Stretches,
    nobody: Option<&Treating>,
) -> Result<Without, ParquetError> {
    let prompts = prompts_of(file.clone(), table)?;
    let mut rewriting = Rewriting::begin(table, prompts)?;
    let mut without = Without {
        rewritten: None,
        stretches,
        renamed: Vec::new(),
        figures_kept: 0,
    };
    // Spans and what nobody could read have no figures that anybody asks for.
    let nobody = nobody.filter(|_| matches!(table, Table::Events | Table::Metrics));
    let mut first = 0;
    for batch in Reader::open(table, file, None)? {
        let batch = batch?;
        let chosen = mask.slice(first, batch.num_rows());
        first += batch.num_rows();
        if chosen.count_set_bits() > 0 {
            let chosen: Vec<bool> = chosen.iter().collect();
            for column in batch.columns() {
                without.stretches.note_column(column, &chosen);
            }
        }
        let Some(nobody) = nobody else {
            rewriting.keep(&batch, &BooleanArray::new(!&chosen, None))?;
            continue;
        };
        let treatments = chosen.iter().map(|is| match is {
            true => Treatment::OfNobody,
            false => Treatment::Stays,
        });
        let treatments: Vec<Treatment> = treatments.collect();
        let treated = nobody.treat(table, &batch, &treatments)?;
        without.figures_kept += chosen.count_set_bits() as u64;
        let renamed = treated.renamed.into_iter().map(|(_, new)| (table, new));
        without.renamed.extend(renamed);
        rewriting.keep_all(&treated.rows)?;
    }
    without.rewritten = rewriting.end()?;
    Ok(without)
}

impl ErasureProgress {
    /// One line for people.
    pub fn describe(&self) -> String {
        match self.parts_total {
            0 => self.stage.to_owned(),
            total => format!("{} {} of {total} parts", self.stage, self.parts_done),
        }
    }
}
