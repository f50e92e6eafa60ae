//! Rosters: who is expected to work with the products, as `docs/people.md` describes the file.

use std::fmt::Write;

use crate::organisation::{Organisation, day_name};
use crate::truth_file::product;

const DAY_MS: u64 = 24 * 3600 * 1000;

/// Everybody of an organisation as a roster (CSV): by their best name, with team, department, cost
/// centre, time zone, product, and the days on which they joined.
pub fn roster(organisation: &Organisation) -> String {
    let mut csv = "person,name,team,department,cost_center,time_zone,from,to,product\n".to_owned();
    for (person, habits) in organisation.people().iter().zip(organisation.habits()) {
        let name = person.email.split('@').next().unwrap_or_default();
        let from = habits.joins_ms.map(|ms| day_name(ms / DAY_MS));
        // Nothing in it could hold a comma or a quote. Writing to a text does not fail.
        let _ = writeln!(
            csv,
            "{},{},{},{},{},{},{},,{}",
            habits.name(person),
            name.replace('.', " "),
            person.team,
            person.department,
            person.cost_center,
            habits.zone.name(),
            from.unwrap_or_default(),
            product(person.surface)
        );
    }
    csv
}
