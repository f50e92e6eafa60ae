//! Truth and answers side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fleet::Nanos;

/// A hundredth of a cent.
const CENT_HUNDREDTH_USD: f64 = 1e-4;

/// One table: what was asked, what is true, what was answered.
#[derive(Default)]
pub(super) struct Sheet {
    rows: Vec<[String; 4]>,
    wrong: Vec<String>,
}

impl Sheet {
    fn row(
        &mut self,
        measure: &str,
        truth: String,
        answer: String,
        difference: String,
        is_right: bool,
    ) {
        if !is_right {
            self.wrong
                .push(format!("{measure}: {answer} is not {truth} ({difference})"));
        }
        let mark = if is_right { "" } else { " <<<" };
        self.rows
            .push([measure.to_owned(), truth, answer, difference + mark]);
    }

    pub(super) fn count(&mut self, measure: &str, truth: u64, answer: u64) {
        let difference = (i128::from(answer) - i128::from(truth)).to_string();
        self.row(
            measure,
            truth.to_string(),
            answer.to_string(),
            difference,
            truth == answer,
        );
    }

    /// To a hundredth of a cent.
    pub(super) fn usd(&mut self, measure: &str, truth: Nanos, answer: f64) {
        let difference = answer - truth.usd();
        let is_right = difference.abs() < CENT_HUNDREDTH_USD;
        // Rounding must not print a minus before nothing.
        let difference = format!("{:.4}", difference + 0.0).replace("-0.0000", "0.0000");
        self.row(
            measure,
            format!("{:.4}", truth.usd()),
            format!("{answer:.4}"),
            difference,
            is_right,
        );
    }

    /// A row for each key that either side has.
    pub(super) fn usd_each(
        &mut self,
        measure: &str,
        truth: &BTreeMap<String, Nanos>,
        answer: &BTreeMap<String, f64>,
    ) {
        let keys: BTreeSet<&String> = truth.keys().chain(answer.keys()).collect();
        for key in keys {
            let truth = truth.get(key).copied().unwrap_or_default();
            let answer = answer.get(key).copied().unwrap_or_default();
            self.usd(&format!("{measure}: {}", short(key)), truth, answer);
        }
    }

    /// A row for each key that either side has.
    pub(super) fn count_each(
        &mut self,
        measure: &str,
        truth: &BTreeMap<String, u64>,
        answer: &BTreeMap<String, u64>,
    ) {
        let keys: BTreeSet<&String> = truth.keys().chain(answer.keys()).collect();
        for key in keys {
            let of = |side: &BTreeMap<String, u64>| side.get(key).copied().unwrap_or_default();
            self.count(&format!("{measure}: {key}"), of(truth), of(answer));
        }
    }

    /// One row for many things that must be the same, each by its name; what is absent is nothing.
    pub(super) fn same<T>(
        &mut self,
        measure: &str,
        truth: &BTreeMap<String, T>,
        answer: &BTreeMap<String, T>,
    ) where
        T: PartialEq + fmt::Debug,
    {
        let keys: BTreeSet<&String> = truth.keys().chain(answer.keys()).collect();
        let wrong: Vec<String> = keys
            .into_iter()
            .filter(|key| truth.get(*key) != answer.get(*key))
            .map(|key| format!("{key}: {:?} is not {:?}", answer.get(key), truth.get(key)))
            .collect();
        let difference = format!("{} differ", wrong.len());
        let sides = [truth.len(), answer.len()].map(|count| count.to_string());
        let [truth, answer] = sides;
        self.row(measure, truth, answer, difference, wrong.is_empty());
        self.wrong
            .extend(wrong.into_iter().take(10).map(|wrong| format!("  {wrong}")));
    }

    /// # Panics
    ///
    /// When an answer is not the truth.
    pub(super) fn assert_exact(&self, what: &str) {
        let wrong = self.wrong.join("\n");
        assert!(
            self.wrong.is_empty(),
            "{what}: answers that are not true:\n{wrong}"
        );
        assert!(
            self.rows.len() > 40,
            "{what}: only {} rows were compared",
            self.rows.len()
        );
    }
}

/// An installation id is known by its beginning.
fn short(key: &str) -> String {
    match key.len() == 64 && !key.contains('@') {
        true => format!("installation {}…", &key[..8]),
        false => key.to_owned(),
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["measure", "truth", "answer", "difference"].map(str::to_owned);
        let all = || std::iter::once(&head).chain(&self.rows);
        let width = |column: usize| {
            all()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let [first, second, third, fourth] = [0, 1, 2, 3].map(width);
        for (number, [measure, truth, answer, difference]) in all().enumerate() {
            writeln!(
                out,
                "| {measure:first$} | {truth:>second$} | {answer:>third$} | {difference:>fourth$} |"
            )?;
            if number == 0 {
                let [a, b, c, d] = [first, second, third, fourth].map(|width| "-".repeat(width));
                writeln!(out, "|-{a}-|-{b}:|-{c}:|-{d}:|")?;
            }
        }
        Ok(())
    }
}
