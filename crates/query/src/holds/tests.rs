//! A hold of an organisation holds what is that organisation's, as everything else decides it.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray, TimestampNanosecondArray};
use arrow::record_batch::RecordBatch;

use super::*;

/// What the token of an item writes for, and what the item claims.
type Said<'a> = (Option<&'a str>, Option<&'a str>);

fn rows(of: &[Said<'_>]) -> RecordBatch {
    let times = TimestampNanosecondArray::from(vec![1_000_000_000; of.len()]);
    let of_tokens: StringViewArray = of.iter().map(|(token, _)| *token).collect();
    let claimed: StringViewArray = of.iter().map(|(_, claimed)| *claimed).collect();
    let columns: [(&str, ArrayRef); 3] = [
        ("time", Arc::new(times)),
        ("organization", Arc::new(of_tokens)),
        ("organization_id", Arc::new(claimed)),
    ];
    RecordBatch::try_from_iter(columns).expect("rows")
}

fn held(table: Table, of: &str, rows: &RecordBatch) -> Vec<bool> {
    let hold = OneHold {
        hold: Hold {
            organization: Some(of.to_owned()),
            ..Hold::default()
        },
        theirs: None,
        usual: "default".into(),
    };
    hold.held(table, rows).expect("is judged")
}

#[test]
fn a_hold_of_an_organisation_holds_all_that_is_its_own() {
    let rows = rows(&[
        (None, None),
        (Some(" "), Some("")),
        (None, Some(" a ")),
        (Some("a"), None),
        (Some("a "), Some("default")),
        (Some("b"), Some("a")),
        (Some("b"), None),
    ]);
    let of_events = |of| held(Table::Events, of, &rows);
    assert_eq!(
        of_events("default"),
        [true, true, false, false, true, false, false],
        "what names none is of the organisation of the settings"
    );
    assert_eq!(
        of_events("a"),
        [false, false, true, true, true, true, false],
        "whose it is, and what it claims beside"
    );
    assert_eq!(
        held(Table::Quarantine, "a", &rows)[..2],
        [true, true],
        "whose an unreadable item is that came without a token cannot be told"
    );
}
