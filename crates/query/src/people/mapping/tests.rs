//! How ids are compared, and what is no mapping.

use super::*;

fn wrong(text: &str) -> String {
    Mapping::parse("m.csv", text.as_bytes())
        .expect_err("is wrong")
        .join("\n")
}

#[test]
fn ids_are_compared_as_items_say_them() {
    let text = "id,person,team\n Ann@Example.com ,ann.b@example.com,\nservice.name = build-bot,Build,Ops\n\
                organization.id=o-1,,Red\nhash==,,Red\n";
    let mapping = Mapping::parse("m.csv", text.as_bytes()).expect("is right");
    assert_eq!(mapping.rows(), 4);
    assert_eq!(mapping.of_id("ann@example.com").len(), 1);
    assert_eq!(
        mapping
            .of_attribute("service.name", "build-bot".into())
            .len(),
        1
    );
    assert_eq!(mapping.of_organization("o-1").len(), 1);
    assert_eq!(mapping.of_attribute("hash", "=".into()).len(), 1);
    assert!(mapping.names_attributes() && mapping.names_organizations());
}

#[test]
fn one_id_has_one_row_at_a_time() {
    let apart = "id,team,from,to\na,Red,,2026-06-01\na,Blue,2026-06-01,\n";
    assert_eq!(
        Mapping::parse("m.csv", apart.as_bytes())
            .expect("is right")
            .rows(),
        2
    );
    let over = wrong("id,team,from,to\na,Red,,2026-06-02\nb,Red,,\na,Blue,2026-06-01,\n");
    assert!(
        over.contains("m.csv, line 4: a is in line 2 too, for the same days"),
        "{over}"
    );
    let twice = wrong("id,team\nA@example.com,Red\na@example.com,Blue\n");
    assert!(
        twice.contains("line 3: a@example.com is in line 2 too"),
        "{twice}"
    );
}

#[test]
fn a_row_must_name_somebody_and_say_something() {
    assert!(wrong("id,person\nunknown,Ann\n").contains("line 2, column id: it names nobody"));
    assert!(wrong("id,person\nservice.name=,Ann\n").contains("it names nobody"));
    assert!(wrong("id,person,team\na,,\n").contains("line 2: the row says nothing"));
}
