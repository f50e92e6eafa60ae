//! What spreadsheets write, and what is said of what is wrong.

use super::*;

const COLUMNS: &[&str] = &["id", "team", "from", "to"];

fn rows(bytes: &[u8]) -> Result<Vec<String>, Vec<String>> {
    let mut problems = Problems::of("file.csv");
    let mut rows = Vec::new();
    read(bytes, COLUMNS, &mut problems, |row, problems| {
        let period = row.period(problems);
        let cells = [row.cell("id"), row.cell("team")].map(|cell| cell.unwrap_or("-").to_owned());
        rows.push(format!(
            "{} {}{}",
            row.line,
            cells.join(" "),
            if period.is_always() { "" } else { " dated" }
        ));
    });
    problems.unless(rows)
}

#[track_caller]
fn check(text: &[u8], expect: &[&str]) {
    assert_eq!(rows(text).expect("is right"), expect);
}

#[track_caller]
fn check_wrong(text: &[u8], expect: &[&str]) {
    let said = rows(text).expect_err("is wrong");
    assert_eq!(said.len(), expect.len(), "{said:?}");
    for (said, expect) in said.iter().zip(expect) {
        assert!(said.contains(expect), "{said:?} does not say {expect:?}");
    }
}

#[test]
fn what_spreadsheets_write_is_read() {
    check(b"id,team\na,Red\nb,\n", &["2 a Red", "3 b -"]);
    check(
        b"\xef\xbb\xbfID;Team\r\na;\"Red; and\"\r\n\r\n;;\r\nb;x\r\n",
        &["2 a Red; and", "5 b x"],
    );
    check(b"team\tid\r\nRed, Blue\ta\r\n", &["2 a Red, Blue"]);
    check(b"\n\nid, team\n\"a\",\" Red \"\n", &["4 a Red"]);
    check(
        b"id,team\na\n\"b\nc\",Red\nd,,,\n",
        &["2 a -", "3 b\nc Red", "5 d -"],
    );
    check(b"id,from,to\na,2026-01-01,\n", &["2 a - dated"]);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    check_wrong(
        b"",
        &["file.csv: it is empty: the first line names the columns, id,team,from,to"],
    );
    check_wrong(
        b"id,taem\na,b\n",
        &["file.csv, line 1: there is no column \"taem\"; the columns are id, team"],
    );
    check_wrong(b"team\nb\n", &["line 1: the column id is missing"]);
    check_wrong(b"id,ID\n", &["line 1: the column id is there twice"]);
    check_wrong(
        b"id,team\n,Red\na,b,c\n",
        &[
            "line 2, column id: it is empty",
            "line 3: there are more cells",
        ],
    );
    check_wrong(
        b"id,from,to\na,1.6.2026,2026-13-01\nb,2026-02-02,2026-02-02\n",
        &[
            "line 2, column from: \"1.6.2026\" is not a day; write it like 2026-12-01",
            "line 2, column to",
            "line 3, column to: it ends",
        ],
    );
    check_wrong(
        b"id\na\n\xff\n",
        &["line 3: it is not UTF-8; save it as \"CSV UTF-8\""],
    );
    let long = format!("id,team\na,{}\n", "x".repeat(CELL_BYTES_MAX + 1));
    check_wrong(
        long.as_bytes(),
        &["line 2, column team: it is longer than 512 bytes"],
    );
}

#[test]
fn files_problems_and_rows_are_bounded() {
    let mut many = "id,from\n".to_owned();
    many.push_str(&"a,x\n".repeat(50));
    let said = rows(many.as_bytes()).expect_err("is wrong");
    assert_eq!(said.len(), PROBLEMS_MAX + 1);
    assert!(said[PROBLEMS_MAX].contains("30 more"), "{said:?}");
    let mut rows_max = "id\n".to_owned();
    rows_max.push_str(&"a\n".repeat(ROWS_MAX));
    assert_eq!(rows(rows_max.as_bytes()).expect("is right").len(), ROWS_MAX);
    rows_max.push_str("a\n");
    check_wrong(rows_max.as_bytes(), &["line 200002: more than 200000 rows"]);
    check_wrong(&vec![b'a'; BYTES_MAX + 1], &["it is larger than 64 MiB"]);
}
