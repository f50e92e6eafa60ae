//! By which names answers know people and sessions.

use std::collections::BTreeSet;

use crate::organisation::{Facts, Organisation, SessionFacts};

/// By which name answers know people.
pub(super) struct Names<'a> {
    /// Installations that an item with an account has told the owner of.
    told: BTreeSet<&'a str>,
    /// The best name of each person, as the roster has it.
    pub(super) roster: Vec<String>,
}

impl<'a> Names<'a> {
    pub(super) fn new(organisation: &Organisation, arrived: &'a Facts) -> Names<'a> {
        let told = arrived.sessions.values();
        let told = told.filter(|session| session.names_account);
        Names {
            told: told.map(|session| session.installation.as_str()).collect(),
            roster: roster_names(organisation),
        }
    }

    /// Whose a session is: without an account anywhere, the installation's.
    pub(super) fn of<'s>(&'s self, session: &'s SessionFacts) -> &'s str {
        if self.told.contains(session.installation.as_str()) {
            &self.roster[session.person]
        } else {
            &session.installation
        }
    }
}

fn roster_names(organisation: &Organisation) -> Vec<String> {
    let people = organisation.people().iter().zip(organisation.habits());
    people
        .map(|(person, habits)| habits.name(person).to_owned())
        .collect()
}
