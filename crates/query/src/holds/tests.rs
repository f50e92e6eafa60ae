//! A hold of an organisation holds what is that organisation's, as everything else decides it.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray, TimestampNanosecondArray};
use arrow::record_batch::RecordBatch;

use super::*;

/// Rows of what tokens write for and items claim.
fn rows(of: &[(Option<&str>, Option<&str>)]) -> RecordBatch {
    let times = TimestampNanosecondArray::from(vec![1_000_000_000; of.len()]);
    let text = |column: fn(&(Option<&str>, Option<&str>)) -> Option<String>| -> ArrayRef {
        let texts: Vec<Option<String>> = of.iter().map(column).collect();
        Arc::new(StringViewArray::from_iter(texts))
    };
    let columns: [(&str, ArrayRef); 3] = [
        ("time", Arc::new(times)),
        ("organization", text(|(token, _)| token.map(str::to_owned))),
        (
            "organization_id",
            text(|(_, claimed)| claimed.map(str::to_owned)),
        ),
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
