//! Runs checks, one after the other: some of them fill the receiver, and none shall disturb another.

use std::time::{Duration, Instant};

use crate::check::{Check, Miss};
use crate::checks::{POINTS, all};
use crate::receiver::Receiver;
use crate::way::Way;

/// No check takes longer, or it has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What came of a check on one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it must be.
    Passed,
    /// It is not.
    Failed,
    /// It cannot be asked here.
    NotApplicable,
}

/// One check on one way, and what came of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which of the 26 points.
    pub point: u8,
    /// What must be so.
    pub check: &'static str,
    /// How it was asked.
    pub way: Way,
    /// What came of it.
    pub verdict: Verdict,
    /// What was seen, or why it was not asked.
    pub seen: String,
}

/// Which checks are asked.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    only: Vec<String>,
}

impl Selection {
    /// Those whose point or name matches one of `only`; all when that is empty.
    pub fn of(only: &[String]) -> Selection {
        let only = only.iter().map(|word| word.to_lowercase());
        Selection {
            only: only.collect(),
        }
    }

    /// Every check on every way that is selected.
    pub fn asked(&self) -> Vec<(&'static Check, Way)> {
        let checks = all().into_iter();
        let on_ways = checks.flat_map(|check| check.ways.iter().map(move |way| (check, *way)));
        on_ways
            .filter(|(check, way)| self.matches(check, *way))
            .collect()
    }

    fn matches(&self, check: &Check, way: Way) -> bool {
        let text = format!("{} {way}", check.name).to_lowercase();
        self.only.is_empty()
            || self.only.iter().any(|word| match word.parse::<u8>() {
                Ok(point) => check.point == point,
                Err(_) => text.contains(word),
            })
    }
}

/// Asks everything that is selected; `progress` is told of each row as it comes.
pub async fn run(
    receiver: &Receiver,
    selection: &Selection,
    mut progress: impl FnMut(usize, usize, &Row),
) -> Vec<Row> {
    let asked = selection.asked();
    let mut rows = Vec::new();
    for (check, way) in &asked {
        let row = ask(receiver, check, *way).await;
        progress(rows.len() + 1, asked.len(), &row);
        rows.push(row);
    }
    rows
}

async fn ask(receiver: &Receiver, check: &Check, way: Way) -> Row {
    let row = |verdict, seen| Row {
        point: check.point,
        check: check.name,
        way,
        verdict,
        seen,
    };
    if way == Way::Grpc && receiver.grpc().is_none() {
        return row(Verdict::NotApplicable, "gRPC is not asked".to_owned());
    }
    let began = Instant::now();
    match tokio::time::timeout(PATIENCE, (check.ask)(receiver, way)).await {
        Ok(Ok(seen)) => row(Verdict::Passed, seen),
        Ok(Err(Miss::Failed(seen))) => row(Verdict::Failed, seen),
        Ok(Err(Miss::NotApplicable(reason))) => row(Verdict::NotApplicable, reason),
        Err(_) => row(
            Verdict::Failed,
            format!("no end after {} s", began.elapsed().as_secs()),
        ),
    }
}

/// How many rows passed, failed, and could not be asked.
pub fn tally(rows: &[Row]) -> [usize; 3] {
    let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    [
        count(Verdict::Passed),
        count(Verdict::Failed),
        count(Verdict::NotApplicable),
    ]
}

/// What a point asks.
pub fn title(point: u8) -> &'static str {
    let found = POINTS.iter().find(|(number, _)| *number == point);
    found.map_or("", |(_, title)| title)
}
