//! The notation, the spreading of cases, and that the corpus is as large as it says.

use std::collections::BTreeSet;

use super::notation::{self, Given};
use super::*;

#[track_caller]
fn check(description: &str, expected: &[u8]) {
    let given = Given::from([("name", b"xyz".to_vec())]);
    let got = notation::bytes(description, &given).expect(description);
    assert_eq!(got, expected, "{description}");
}

#[test]
fn bytes_by_notation() {
    check("", b"");
    check("0aff 00", b"\x0a\xff\x00");
    check("1{2{}}", b"\x0a\x02\x12\x00");
    check("1{\"a b\"}", b"\x0a\x03a b");
    check(
        "2:300 3:-1",
        b"\x10\xac\x02\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    );
    check("1@1 8^2", b"\x09\x01\0\0\0\0\0\0\0\x45\x02\0\0\0");
    check("4=1.5", b"\x21\0\0\0\0\0\0\xf8\x3f");
    check("(00 1:1)*2 ff*3", b"\0\x08\x01\0\x08\x01\xff\xff\xff");
    check("1{$name}*2", b"\x0a\x03xyz\x0a\x03xyz");
    for wrong in [
        "0",
        "1{",
        "}",
        "(00",
        "$unknown",
        "\"",
        "zz",
        "x{}",
        "00*x",
        "00*99999999999",
    ] {
        assert!(notation::bytes(wrong, &Given::new()).is_err(), "{wrong}");
    }
}

#[test]
fn texts_by_notation() {
    let given = Given::from([("name", b"xyz".to_vec())]);
    let text = |description: &str| notation::text(description, &given).expect(description);
    assert_eq!(text(r#"{"a":[«1,»*3$name]}"#), br#"{"a":[1,1,1,xyz]}"#);
    assert_eq!(text("a⟨ff 00⟩b«$name»*2"), b"a\xff\0bxyzxyz");
    assert_eq!(text("«a№,»*3"), b"a0,a1,a2,");
    for wrong in ["«a", "⟨f⟩", "«a»", "«a»*x"] {
        assert!(notation::text(wrong, &given).is_err(), "{wrong}");
    }
}

#[test]
fn a_case_for_each_entry() {
    let mut corpus = Corpus::default();
    let text = r#"
        [[case]]
        name = "$1 as $2"
        each = [["cost_usd", "-1"], ["input_tokens", "7"]]
        set = { "$1" = { int = "$2" } }
        answer = "taken"
        "#;
    corpus.add(text).expect("understood");
    let names: Vec<&str> = corpus.cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["cost_usd as -1", "input_tokens as 7"]);
    let set = corpus.cases[1].set.as_ref().expect("it has attributes");
    assert!(set.contains_key("input_tokens"));
    let unknown = "[[case]]\nname = \"x\"\nanswer = \"taken\"\nanswr = 1\n";
    assert!(Corpus::default().add(unknown).is_err());
}

#[test]
fn the_corpus_is_large_and_every_case_can_be_sent() {
    let corpus = Corpus::read().expect("the corpus is understood");
    let mut names = BTreeSet::new();
    for case in &corpus.cases {
        assert!(
            names.insert(&case.name),
            "two cases are called {:?}",
            case.name
        );
        assert!(!case.sent_on().is_empty(), "{}", case.name);
        for way in case.sent_on() {
            let messages = case.messages(way, "marker").expect(&case.name);
            assert!(!messages.is_empty(), "{}", case.name);
        }
    }
    for statement in &corpus.statements {
        assert!(
            names.insert(&statement.name),
            "two are called {:?}",
            statement.name
        );
    }
    assert!(names.len() >= 300, "only {} cases", names.len());
}
