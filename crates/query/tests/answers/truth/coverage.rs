//! What did not come: gaps in sequences, people who fell silent.

use std::collections::BTreeMap;

use super::sheet::Sheet;
use super::world::{World, count, text};

pub(super) async fn compare(world: &World, sheet: &mut Sheet) {
    let sql = "SELECT person, sum(sequence_gaps) AS gaps FROM coverage GROUP BY person";
    let rows = world.rows(sql).await;
    let answer = rows
        .iter()
        .map(|row| (text(row, "person"), count(row, "gaps")));
    let answer: BTreeMap<String, u64> = answer.filter(|(_, gaps)| *gaps > 0).collect();
    let truth = world.by_person(fleet::SessionFacts::sequence_gaps);
    sheet.count(
        "events missing in sequences",
        truth.values().sum(),
        answer.values().sum(),
    );
    sheet.same(
        "events missing in sequences of each person",
        &truth,
        &answer,
    );
}
