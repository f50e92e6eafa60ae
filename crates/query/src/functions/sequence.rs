//! How many events of a session are missing, and how often its client started anew:
//! `_sequence_stretches(time, sequence)`, an aggregate of the events of one session, and
//! `_sequence_gaps(session, stretches)` over the sessions of one installation.
//!
//! A process counts its events from 0, whatever session they are in. A session that is continued gets
//! another process, which begins at 0; a process that changes its session (`/clear`, or `--continue`,
//! which begins in a session of its own) goes on counting in the next one. In the order of time a run
//! goes on while the number grows and ends where it falls back. Numbers that a run leaves out, the first
//! ones too, are missing events, unless another session of the installation ended right before them.
//! What comes while a run is still going on (a copy, a late delivery) fills it up and is no run of its own;
//! so does a second window on the same session, but where it sends while the first one does not.
//!
//! What is found never depends on the order in which items arrive: events are put in the order of time
//! before anything is made of them. Until then each takes some four bytes (`trail`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, StructArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use datafusion::common::cast::{as_binary_array, as_int64_array, as_list_array};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
    create_udaf,
};
use datafusion::scalar::ScalarValue;

use super::rhythm::numbers;
use trail::Trail;

mod trail;

/// How long after its last event in one session a process may go on in another.
const CHANGE_MS_MAX: i64 = 86_400_000;

pub(super) fn sequence_stretches() -> AggregateUDF {
    let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    create_udaf(
        "_sequence_stretches",
        vec![time, DataType::Int64],
        Arc::new(list()),
        Volatility::Immutable,
        Arc::new(|_| Ok(Box::new(Stretches::default()))),
        Arc::new(vec![DataType::Binary]),
    )
}

pub(super) fn sequence_gaps() -> WindowUDF {
    WindowUDF::from(SequenceGaps {
        signature: Signature::exact(vec![list()], Volatility::Immutable),
    })
}

fn list() -> DataType {
    DataType::new_list(DataType::Int64, true)
}

fn fields() -> Fields {
    Fields::from(vec![
        Field::new("missing", DataType::Int64, true),
        Field::new("restarts", DataType::Int64, true),
    ])
}

/// Numbers that follow each other, and when the first and the last one came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stretch {
    from_ms: i64,
    from: i64,
    to_ms: i64,
    to: i64,
}

impl Stretch {
    fn of(numbers: &[i64]) -> Vec<Stretch> {
        let (stretches, _) = numbers.as_chunks();
        let of = |[from_ms, from, to_ms, to]: &[i64; 4]| Stretch {
            from_ms: *from_ms,
            from: *from,
            to_ms: *to_ms,
            to: *to,
        };
        stretches.iter().map(of).collect()
    }
}

/// The events of one session, as they arrive.
#[derive(Debug, Default)]
struct Stretches(Trail);

impl Stretches {
    fn in_order(&self) -> Vec<Stretch> {
        let mut chains = Chains::default();
        for (at_ms, number) in self.0.in_order() {
            chains.add(at_ms, number);
        }
        chains.stretches
    }
}

/// Events in the order of time become stretches, in the order of their beginnings. An event belongs to
/// the stretch that ends at the number before; to the one that got there last, if there are several, for
/// two processes may send in one session at once.
#[derive(Default)]
struct Chains {
    stretches: Vec<Stretch>,
    /// Which stretches end at a number, the latest one last.
    by_end: HashMap<i64, Vec<usize>>,
}

impl Chains {
    fn add(&mut self, at_ms: i64, number: i64) {
        let place = self.that_goes_on(number).unwrap_or(self.stretches.len());
        match self.stretches.get_mut(place) {
            Some(stretch) => (stretch.to_ms, stretch.to) = (at_ms, number),
            None => self.stretches.push(Stretch {
                from_ms: at_ms,
                from: number,
                to_ms: at_ms,
                to: number,
            }),
        }
        self.by_end.entry(number).or_default().push(place);
    }

    /// Takes the stretch to which a number belongs, if there is one. A process that began since then and
    /// has not got as far lost what is in between: the process before it does not go on.
    fn that_goes_on(&mut self, number: i64) -> Option<usize> {
        let before = number.checked_sub(1)?;
        let ends = self.by_end.get_mut(&before)?;
        let end = self.stretches.get(*ends.last()?)?;
        let is_over = |newest: &Stretch| newest.from_ms > end.to_ms && newest.to < before;
        match self.stretches.last().is_some_and(is_over) {
            true => None,
            false => ends.pop(),
        }
    }
}

impl Accumulator for Stretches {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let any = |at: usize| values.get(at).map(|array| array.as_any());
        let times = any(0).and_then(|any| any.downcast_ref::<TimestampMillisecondArray>());
        let numbers = any(1).and_then(|any| any.downcast_ref::<Int64Array>());
        let (times, numbers) = times.zip(numbers).ok_or_else(|| {
            DataFusionError::Internal("_sequence_stretches takes times and numbers".to_owned())
        })?;
        for (time, number) in times.iter().zip(numbers) {
            if let Some((time, number)) = time.zip(number) {
                self.0.add(time, number);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let stretches = self.in_order();
        let parts = |stretch: &Stretch| [stretch.from_ms, stretch.from, stretch.to_ms, stretch.to];
        Ok(numbers(stretches.iter().flat_map(parts)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.capacity()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Binary(Some(self.0.bytes().to_vec()))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first() else {
            return Ok(());
        };
        for bytes in as_binary_array(states)?.iter().flatten() {
            self.0.take(bytes);
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SequenceGaps {
    signature: Signature,
}

impl WindowUDFImpl for SequenceGaps {
    fn name(&self) -> &str {
        "_sequence_gaps"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(
        &self,
        _arguments: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(OfInstallation))
    }

    fn field(&self, arguments: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        let kind = DataType::Struct(fields());
        Ok(Arc::new(Field::new(arguments.name(), kind, true)))
    }
}

#[derive(Debug)]
struct OfInstallation;

impl PartitionEvaluator for OfInstallation {
    fn evaluate_all(&mut self, values: &[ArrayRef], _num_rows: usize) -> Result<ArrayRef> {
        let lists = values
            .first()
            .ok_or_else(|| DataFusionError::Internal("_sequence_gaps takes stretches".into()))?;
        let mut sessions = Vec::new();
        for list in as_list_array(lists)?.iter() {
            sessions.push(match list {
                Some(list) => Stretch::of(as_int64_array(&list)?.values()),
                None => Vec::new(),
            });
        }
        let found = found(&sessions);
        let of = |number: fn(&Found) -> i64| -> ArrayRef {
            Arc::new(found.iter().map(number).collect::<Int64Array>())
        };
        let columns = vec![of(|found| found.missing), of(|found| found.restarts)];
        Ok(Arc::new(StructArray::try_new(fields(), columns, None)?))
    }
}

/// What is found out about a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Found {
    missing: i64,
    restarts: i64,
}

/// About each session of an installation.
fn found(sessions: &[Vec<Stretch>]) -> Vec<Found> {
    let mut ends = Ends::default();
    for (session, stretches) in sessions.iter().enumerate() {
        for (place, stretch) in stretches.iter().enumerate() {
            let next = stretches.get(place + 1).map(|next| next.from);
            let end = End {
                at_ms: stretch.to_ms,
                session,
                goes_on_with: next.filter(|from| *from > stretch.to),
            };
            ends.by_number.entry(stretch.to).or_default().push(end);
        }
    }
    let of_session = |(session, stretches): (usize, &Vec<Stretch>)| ends.walk(session, stretches);
    sessions.iter().enumerate().map(of_session).collect()
}

/// What one process sent in one session.
struct Run {
    to_ms: i64,
    to: i64,
    /// Numbers that are left out, from and to.
    holes: BTreeMap<i64, i64>,
}

impl Run {
    fn whole(stretch: &Stretch) -> Run {
        Run {
            to_ms: stretch.to_ms,
            to: stretch.to,
            holes: BTreeMap::new(),
        }
    }

    fn take(&mut self, stretch: &Stretch) {
        self.fill(stretch);
        if stretch.from > self.to.saturating_add(1) {
            self.holes.insert(self.to + 1, stretch.from - 1);
        }
        self.to = self.to.max(stretch.to);
        self.to_ms = self.to_ms.max(stretch.to_ms);
    }

    fn fill(&mut self, stretch: &Stretch) {
        while let Some((from, to)) = self.holes.range(..=stretch.to).next_back() {
            let (from, to) = (*from, *to);
            if to < stretch.from {
                break;
            }
            self.holes.remove(&from);
            if to > stretch.to {
                self.holes.insert(stretch.to + 1, to);
            }
            if from < stretch.from {
                self.holes.insert(from, stretch.from - 1);
                break;
            }
        }
    }

    fn missing(&self) -> i64 {
        let lengths = self.holes.iter().map(|(from, to)| to - from + 1);
        lengths.fold(0, i64::saturating_add)
    }
}

/// The end of a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    at_ms: i64,
    session: usize,
    /// The number with which its session goes on after a hole; `None` where it falls back or ends.
    goes_on_with: Option<i64>,
}

/// Where stretches end, by their last number.
#[derive(Default)]
struct Ends {
    by_number: HashMap<i64, Vec<End>>,
    taken: HashSet<(i64, i64, usize)>,
}

impl Ends {
    fn walk(&mut self, session: usize, stretches: &[Stretch]) -> Found {
        let mut found = Found::default();
        let mut going_on: Option<Run> = None;
        for stretch in stretches {
            let Some(run) = &mut going_on else {
                going_on = Some(self.begin(session, stretch, i64::MIN));
                continue;
            };
            let between = stretch.from.saturating_sub(run.to).saturating_sub(1);
            let is_later = stretch.from_ms > run.to_ms;
            let has_fallen = is_later && between < 0;
            if has_fallen || (is_later && between > 0 && self.goes_on(session, stretch, run.to_ms))
            {
                found.restarts += 1;
                found.missing = found.missing.saturating_add(run.missing());
                *run = match has_fallen {
                    true => self.begin(session, stretch, run.to_ms),
                    false => Run::whole(stretch),
                };
            } else {
                run.take(stretch);
            }
        }
        let missing = going_on.map_or(0, |run| run.missing());
        found.missing = found.missing.saturating_add(missing);
        found
    }

    /// A run that begins with a stretch, after `after_ms`.
    fn begin(&mut self, session: usize, head: &Stretch, after_ms: i64) -> Run {
        let mut run = Run::whole(head);
        if head.from > 0 && !self.goes_on(session, head, after_ms) {
            run.holes.insert(0, head.from - 1);
        }
        run
    }

    /// Whether a stretch is what a process sent after another session, since `after_ms`.
    fn goes_on(&mut self, session: usize, stretch: &Stretch, after_ms: i64) -> bool {
        let number = stretch.from - 1;
        let Some(ends) = self.by_number.get(&number) else {
            return false;
        };
        let fits = |end: &&End| {
            let is_near = stretch.from_ms.saturating_sub(end.at_ms) <= CHANGE_MS_MAX;
            // A session that goes on later leaves out what was sent elsewhere, or it lost these itself.
            let has_room = end.goes_on_with.is_none_or(|from| stretch.to < from);
            end.session != session
                && (after_ms..=stretch.from_ms).contains(&end.at_ms)
                && is_near
                && has_room
                && !self.taken.contains(&(number, end.at_ms, end.session))
        };
        let latest = ends.iter().filter(fits).max().copied();
        latest.is_some_and(|end| self.taken.insert((number, end.at_ms, end.session)))
    }
}

#[cfg(test)]
mod tests;
