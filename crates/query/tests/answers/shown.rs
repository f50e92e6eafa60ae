//! A panel asks for the figures that it shows: they are those of the whole report.

use query::catalogue::{Ask, REPORTS, Wanted};
use serde_json::Value;

use super::catalogue::{ask, asked, company, rows};
use super::catalogue_golden::steady;
use super::support::NOW_MS;

/// What an answer has beside the figures that were asked for.
fn is_needed(ask: &Ask, name: &str) -> bool {
    let first = ask.report.measures.first().map(|measure| measure.name);
    name == "unpriced_requests" || Some(name) == first
}

fn is_same(one: &Value, other: &Value, is_approximate: bool) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) if is_approximate => {
            (one - other).abs() <= 0.05 * one.abs().max(1.0)
        }
        (Some(one), Some(other)) => (one - other).abs() <= 1e-6 * one.abs().max(1.0),
        _ => one == other,
    }
}

#[tokio::test]
async fn a_figure_alone_is_that_of_the_whole_report() {
    // With several threads an approximate percentile hangs on the order in which they come together.
    let bench = company().await.reopened(steady()).await;
    for report in REPORTS {
        let whole = asked(&bench, ask(report.name)).await;
        let (all, totals) = (rows(&whole.rows), rows(&whole.totals).remove(0));
        for measure in report.measures {
            let ask = ask(report.name).showing([measure.name]).expect("a figure");
            let alone = asked(&bench, ask.clone()).await;
            let what = format!("{}.{}", report.name, measure.name);
            let of_one = rows(&alone.rows);
            assert_eq!(of_one.len(), all.len(), "{what}");
            let is_approximate = measure.is_approximate();
            let rows_of = |rows: &[Value]| -> Vec<String> {
                let keys = |row: &Value| -> String {
                    let keys = ask.group_by.iter().map(|own| row[own.name].to_string());
                    keys.collect::<Vec<_>>().join(" ")
                };
                rows.iter().map(keys).collect()
            };
            assert_eq!(
                rows_of(&of_one),
                rows_of(&all),
                "{what}: the rows and their order"
            );
            for (one, row) in of_one.iter().zip(&all) {
                let (one_is, row_is) = (&one[measure.name], &row[measure.name]);
                assert!(
                    is_same(one_is, row_is, is_approximate),
                    "{what}: {one} {row}"
                );
            }
            let total = rows(&alone.totals).remove(0);
            let (one_is, all_is) = (&total[measure.name], &totals[measure.name]);
            assert!(
                is_same(one_is, all_is, is_approximate),
                "{what}: {one_is} {all_is}"
            );
            let names = alone.columns.iter().map(|column| column.name);
            for name in names.skip(ask.group_by.len()) {
                assert!(
                    name == measure.name || is_needed(&ask, name),
                    "{what} has {name}"
                );
            }
            assert_eq!(alone.notes, whole.notes, "{what}");
        }
    }
}

#[tokio::test]
async fn figures_that_are_not_known_are_refused_by_name() {
    let report = ask("cost").report;
    let wanted = |measures: &str| {
        let wanted = Wanted {
            measures: Some(measures.to_owned()),
            ..Wanted::default()
        };
        wanted.of(report, NOW_MS)
    };
    let error = wanted("cost_usd,beauty").expect_err("refused");
    assert!(error.message.contains("beauty"), "{error}");
    assert!(error.hint.unwrap_or_default().contains("cost_usd"));
    assert!(wanted(" ,").is_err(), "no figure at all");
    assert!(wanted("cost_usd").is_ok());
}
