//! Parts without the rows, and the manifest that names them.

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;
use bytes::Bytes;
use parquet::errors::ParquetError;

use super::intent::{ErasedPart, Found, STRETCHES_PATH};
use super::needles::Stretches;
use super::order::Choice;
use super::{Erasure, ErasureProgress, May};
use crate::error::StoreError;
use crate::manifest;
use crate::part::{Part, Reader, Rewriting, Rewritten, prompts_of};
use crate::rewriting::{Replacements, Switch, on_cpu};
use crate::store::Store;

impl Erasure {
    /// Writes the parts anew and makes them those that count.
    pub(super) async fn rewrite(&mut self, choice: &Arc<dyn Choice>, may: &May) -> Result<Found, StoreError> {
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
        let total = looked.parts.len() as u64;
        let written = async {
            for (done, (part, mask)) in (0..).zip(&looked.parts) {
                self.stage(&store, "rewriting", done, total);
                let (new, noted) = store
                    .rewrite_part(&self.snapshot, part, mask, stretches)
                    .await?;
                stretches = noted;
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
            renamed: &[],
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
    /// Writes a part anew without the rows of the mask. Nothing names the new one yet.
    async fn rewrite_part(
        &self,
        snapshot: &crate::Snapshot,
        part: &Part,
        mask: &BooleanBuffer,
        stretches: Stretches,
    ) -> Result<(Option<Part>, Stretches), StoreError> {
        let damaged = || StoreError::Damaged {
            path: part.path.clone(),
            reason: "it was sound a moment ago".into(),
        };
        let file = self.part_file(snapshot, part).await?.ok_or_else(damaged)?;
        let (table, mask) = (part.table, mask.clone());
        let rewriting = move || without(table, file, &mask, stretches);
        let (rewritten, stretches) = on_cpu(rewriting).await?;
        let Some(rewritten) = rewritten else {
            return Ok((None, stretches));
        };
        let new = self.put_rewritten(part, rewritten).await?;
        Ok((Some(new), stretches))
    }

    /// Whether a manifest of this erasure may count after the next start. What cannot be read may.
    pub(super) async fn may_be_switched(&self, id: &str) -> bool {
        match manifest::load(&self.objects).await {
            Ok(Some(loaded)) => loaded.manifest.erasure.as_deref() == Some(id),
            _ => true,
        }
    }
}

fn without(
    table: crate::Table,
    file: Bytes,
    mask: &BooleanBuffer,
    mut stretches: Stretches,
) -> Result<(Option<Rewritten>, Stretches), ParquetError> {
    let prompts = prompts_of(file.clone(), table)?;
    let mut rewriting = Rewriting::begin(table, prompts)?;
    let mut first = 0;
    for batch in Reader::open(table, file, None)? {
        let batch = batch?;
        let chosen = mask.slice(first, batch.num_rows());
        first += batch.num_rows();
        rewriting.keep(&batch, &BooleanArray::new(!&chosen, None))?;
        if chosen.count_set_bits() > 0 {
            let chosen: Vec<bool> = chosen.iter().collect();
            for column in batch.columns() {
                stretches.note_column(column, &chosen);
            }
        }
    }
    Ok((rewriting.end()?, stretches))
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
