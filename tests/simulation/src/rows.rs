//! What is stored, read back from buffer and parts.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use base::Disk;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use store::{Snapshot, Table};

use crate::telemetry::{SERIES, odd_text, text};

/// Everything that is stored: how often each item is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stored {
    pub(crate) events: BTreeMap<u64, u64>,
    pub(crate) odd: BTreeMap<u64, u64>,
    pub(crate) points: BTreeMap<(u64, u64), u64>,
    /// Sum of the increments of each series.
    pub(crate) increments: BTreeMap<u64, u64>,
}

/// Reads what a snapshot shows. Parts never change, so that each is read once in a life.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// By path, with the checksum: a flush that no manifest came of gives its name to another.
    parts: BTreeMap<String, (u32, Stored)>,
}

impl Reader {
    /// All of a snapshot. A part that may not be read is an error, unless `without` names it.
    pub(crate) async fn read(
        &mut self,
        snapshot: &Snapshot,
        disk: &dyn Disk,
        dir: &Path,
        without: Option<&str>,
    ) -> Result<Stored, String> {
        let mut stored = Stored::default();
        for table in Table::ALL {
            for batch in snapshot.batches(table) {
                stored.add(table, batch)?;
            }
            let parts: Vec<_> = snapshot.parts(table).cloned().collect();
            let sound = snapshot.sound(parts.clone()).await;
            let sound = sound.map_err(|error| format!("checking parts: {error}"))?;
            for part in &parts {
                if without == Some(part.path.as_str()) {
                    continue;
                }
                if !sound.contains(part) {
                    return Err(format!("{} is not sound", part.path));
                }
                let known = self.parts.get(&part.path);
                if known.is_none_or(|(checksum, _)| *checksum != part.crc32c) {
                    let read = read_part(disk, dir, table, &part.path)?;
                    self.parts.insert(part.path.clone(), (part.crc32c, read));
                }
                stored.merge(&self.parts[&part.path].1);
            }
            if let Some(without) = without
                && sound.iter().any(|part| part.path == without)
            {
                return Err(format!("{without} is damaged and passes for sound"));
            }
        }
        Ok(stored)
    }

    /// What a part held when it was read.
    pub(crate) fn part(&self, path: &str) -> Option<&Stored> {
        self.parts.get(path).map(|(_, held)| held)
    }
}

fn read_part(disk: &dyn Disk, dir: &Path, table: Table, path: &str) -> Result<Stored, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{path}: {error}");
    let bytes = disk.read(&dir.join(path)).map_err(|error| failed(&error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes))
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| failed(&error))?;
    let mut stored = Stored::default();
    for batch in reader {
        stored.add(table, &batch.map_err(|error| failed(&error))?)?;
    }
    Ok(stored)
}

impl Stored {
    fn add(&mut self, table: Table, batch: &RecordBatch) -> Result<(), String> {
        match table {
            Table::Events => self.add_events(batch),
            Table::Metrics => self.add_points(batch),
            Table::Quarantine => self.add_odd(batch),
            Table::Spans => Err("a span is stored and none was issued".to_owned()),
        }
    }

    fn add_events(&mut self, batch: &RecordBatch) -> Result<(), String> {
        let numbers = column(batch, "sequence")?.as_primitive::<Int64Type>();
        let prompts = column(batch, "prompt")?.as_string_view();
        for row in 0..batch.num_rows() {
            let number = numbers.value(row) as u64;
            let expected = text(number);
            let found = if prompts.is_valid(row) {
                prompts.value(row)
            } else {
                ""
            };
            if numbers.is_null(row) || found != expected {
                return Err(format!("event {number} is stored with another text"));
            }
            *self.events.entry(number).or_default() += 1;
        }
        Ok(())
    }

    fn add_points(&mut self, batch: &RecordBatch) -> Result<(), String> {
        let names = column(batch, "name")?.as_string_view();
        let values = column(batch, "point_value")?.as_primitive::<Float64Type>();
        let increments = column(batch, "value")?.as_primitive::<Float64Type>();
        for row in 0..batch.num_rows() {
            let series = names.value(row).strip_prefix(SERIES);
            let series = series.and_then(|series| series.parse().ok());
            let series: u64 = series.ok_or_else(|| format!("a metric {:?}", names.value(row)))?;
            let value = values.value(row) as u64;
            *self.points.entry((series, value)).or_default() += 1;
            *self.increments.entry(series).or_default() += increments.value(row) as u64;
        }
        Ok(())
    }

    fn add_odd(&mut self, batch: &RecordBatch) -> Result<(), String> {
        let reasons = column(batch, "reason")?.as_string_view();
        let items = column(batch, "item")?.as_string_view();
        for row in 0..batch.num_rows() {
            let (reason, item) = (reasons.value(row), items.value(row));
            let number = item.trim_matches(['[', ']']).parse().unwrap_or_default();
            if odd_text(number) != (reason.to_owned(), item.to_owned()) {
                return Err(format!("{item:?} is in quarantine because {reason:?}"));
            }
            *self.odd.entry(number).or_default() += 1;
        }
        Ok(())
    }

    fn merge(&mut self, other: &Stored) {
        add_all(&mut self.events, &other.events);
        add_all(&mut self.odd, &other.odd);
        add_all(&mut self.points, &other.points);
        add_all(&mut self.increments, &other.increments);
    }

    /// The same without what `part` holds.
    pub(crate) fn without(&self, part: &Stored) -> Stored {
        let mut rest = self.clone();
        take_all(&mut rest.events, &part.events);
        take_all(&mut rest.odd, &part.odd);
        take_all(&mut rest.points, &part.points);
        for (series, sum) in &part.increments {
            *rest.increments.entry(*series).or_default() -= sum;
        }
        rest.increments
            .retain(|series, _| rest.points.keys().any(|(of, _)| of == series));
        rest
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array, String> {
    let column = batch.column_by_name(name);
    column
        .map(|column| column.as_ref())
        .ok_or_else(|| format!("there is no column {name}"))
}

fn add_all<K: Ord + Copy>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *to.entry(*key).or_default() += count;
    }
}

fn take_all<K: Ord + Copy>(from: &mut BTreeMap<K, u64>, what: &BTreeMap<K, u64>) {
    for (key, count) in what {
        if let Some(left) = from.get_mut(key) {
            *left -= count;
        }
    }
    from.retain(|_, count| *count > 0);
}
