//! No column is forgotten, and what was treated is the same when it is treated again.

use super::*;

/// Columns that are lost because they are neither figures nor anything else that is named.
const LOST: &[&str] = &["workspace_host_paths", "scope", "description", "name"];

#[test]
fn every_column_is_known() {
    for table in Table::ALL {
        for field in table.schema().fields() {
            let name = field.name().as_str();
            let is_lost = rule(table, name) == Rule::Lost;
            assert_eq!(
                is_lost,
                LOST.contains(&name) && !(name == "name" && table != Table::Spans),
                "{table:?} has {name}: say in treatment.rs what becomes of it"
            );
        }
    }
}

#[test]
fn what_stands_for_an_id_is_told_from_an_id() {
    for (text, is) in [
        ("~0123456789abcdef01234567", true),
        ("~0123456789abcdef0123456", false),
        ("~0123456789ABCDEF01234567", false),
        ("0123456789abcdef012345678", false),
        ("~ann@example.com.........", false),
    ] {
        assert_eq!(is_hashed(text), is, "{text}");
    }
}

#[test]
fn attributes_lose_content_and_then_all_but_figures() {
    let sent = r#"{"status":"failed","user.name":"Ann","tool.output":"secret","own.key":1,"service.version":["a"]}"#;
    let without = members::of_item(Some(sent), false, None).expect("members");
    assert_eq!(
        without,
        r#"{"service.version":["a"],"status":"failed","user.name":"Ann"}"#
    );
    let reduced = members::of_item(Some(&without), true, None).expect("members");
    assert_eq!(reduced, r#"{"status":"failed"}"#);
    assert_eq!(
        members::of_item(Some(&reduced), true, None).as_deref(),
        Some(&*reduced)
    );
    let marked = members::of_item(Some(&reduced), true, Some("~1".into())).expect("members");
    assert_eq!(
        members::of_item(Some(&marked), true, Some("~2".into())),
        Some(marked)
    );
    assert_eq!(members::of_item(Some("no object"), true, None), None);
}
