//! What a roster is, and what is none.

use super::*;

#[test]
fn a_roster_is_read_and_checked() {
    let text = "person;name;team;time_zone;from;to;product\n\
                Ann@example.com;Ann;Red;Europe/Berlin;;;cowork\nann@example.com;Ann;Red;;;;claude-code\n";
    let roster = Roster::parse("r.csv", text.as_bytes()).expect("is right");
    assert_eq!(
        (roster.rows(), roster.of_id("ann@example.com").len()),
        (2, 2)
    );
    assert_eq!(roster.batch(None).expect("a batch").num_rows(), 2);
    let wrong = "person,time_zone,product\nann@example.com,Mars/Olympus,\nann@example.com,+01:00,\nnone,,\n";
    let said = Roster::parse("r.csv", wrong.as_bytes())
        .expect_err("is wrong")
        .join("\n");
    for expect in [
        "line 2, column time_zone: there is no time zone \"Mars/Olympus\"; write it like Europe/Berlin",
        "line 3, column time_zone",
        "line 4, column person: it names nobody",
        "line 3: ann@example.com is in line 2 too",
    ] {
        assert!(said.contains(expect), "{said}");
    }
}
