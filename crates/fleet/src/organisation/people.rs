//! The people: who they are, in which team, and how much they work with agents.

use contract::Attribute;

use super::head::constant;
use crate::random::Random;

/// Which product a person works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// Claude Code in a terminal or an editor.
    Code,
    /// Claude Cowork in the desktop app.
    Cowork,
}

/// One member of the organisation. Nobody here is real: names are colours and animals.
#[derive(Clone, Debug)]
pub struct Person {
    /// Address, always at `example.com`.
    pub email: String,
    /// `user.account_uuid`.
    pub account_uuid: String,
    /// `user.account_id`.
    pub account_id: String,
    /// `user.id`: the id of the installation.
    pub installation: String,
    /// `department`.
    pub department: &'static str,
    /// `team.id`.
    pub team: &'static str,
    /// `cost_center`.
    pub cost_center: &'static str,
    /// Which product the person works with.
    pub surface: Surface,
    /// Sessions the person starts on a working day, on average.
    pub sessions_per_day: f64,
    pub(super) folder: String,
    pub(super) os: Os,
    pub(super) terminal: &'static str,
    pub(super) desktop_version: &'static str,
}

#[derive(Clone, Copy)]
struct Team {
    department: &'static str,
    team: &'static str,
    cost_center: &'static str,
}

const fn team(department: &'static str, team: &'static str, cost_center: &'static str) -> Team {
    Team {
        department,
        team,
        cost_center,
    }
}

const CODE_TEAMS: &[Team] = &[
    team("engineering", "platform", "eng-100"),
    team("engineering", "payments", "eng-110"),
    team("engineering", "mobile", "eng-120"),
    team("data", "analytics", "dat-200"),
    team("data", "machine-learning", "dat-210"),
    team("security", "security-operations", "sec-300"),
];

const COWORK_TEAMS: &[Team] = &[
    team("finance", "controlling", "fin-400"),
    team("marketing", "content", "mkt-500"),
    team("legal", "contracts", "leg-600"),
    team("operations", "support", "ops-700"),
];

#[derive(Clone, Copy, Debug)]
pub(super) struct Os {
    pub(super) kind: &'static str,
    pub(super) version: &'static str,
    pub(super) arch: &'static str,
}

const OSES: &[Os] = &[
    Os {
        kind: "darwin",
        version: "24.6.0",
        arch: "arm64",
    },
    Os {
        kind: "darwin",
        version: "25.1.0",
        arch: "arm64",
    },
    Os {
        kind: "linux",
        version: "6.8.0-52-generic",
        arch: "amd64",
    },
    Os {
        kind: "windows",
        version: "10.0.26100",
        arch: "amd64",
    },
];
const TERMINALS: &[&str] = &[
    "vscode",
    "iTerm.app",
    "cursor",
    "tmux",
    "Apple_Terminal",
    "ghostty",
    "WezTerm",
];
const DESKTOP_VERSIONS: &[&str] = &["1.40114.2", "1.40311.0", "1.41208.1"];
const COLOURS: &[&str] = &[
    "amber", "azure", "coral", "crimson", "emerald", "golden", "indigo", "ivory", "jade", "lilac",
    "maroon", "ochre", "olive", "pearl", "russet", "sable", "scarlet", "silver", "teal", "violet",
];
const ANIMALS: &[&str] = &[
    "badger", "beaver", "crane", "dolphin", "falcon", "ferret", "finch", "gecko", "heron", "ibex",
    "koala", "lemur", "lynx", "marten", "otter", "panda", "puffin", "raven", "stoat", "tapir",
];
/// The digits of `user.account_id`.
const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The heavy user: person 0 starts this many times as many sessions as the others.
const HEAVY_FACTOR: f64 = 6.0;
const SESSIONS_PER_DAY: f64 = 2.6;

impl Person {
    /// Person number `index`: three of ten work with Cowork, the first is the heavy user.
    pub(super) fn new(index: usize, random: &mut Random) -> Person {
        let surface = if matches!(index % 10, 2 | 5 | 8) {
            Surface::Cowork
        } else {
            Surface::Code
        };
        let teams = if surface == Surface::Cowork {
            COWORK_TEAMS
        } else {
            CODE_TEAMS
        };
        let team = random.pick(teams);
        let account: String = (0..22).map(|_| char::from(random.pick(BASE58))).collect();
        let folder = handle(index);
        let spread = random.log_normal(1.0, 0.4).clamp(0.3, 2.0);
        Person {
            email: format!("{folder}@example.com"),
            account_uuid: random.uuid(),
            account_id: format!("user_01{account}"),
            installation: random.hex("", 64),
            department: team.department,
            team: team.team,
            cost_center: team.cost_center,
            surface,
            sessions_per_day: SESSIONS_PER_DAY * if index == 0 { HEAVY_FACTOR } else { spread },
            folder,
            os: random.pick(OSES),
            terminal: random.pick(TERMINALS),
            desktop_version: random.pick(DESKTOP_VERSIONS),
        }
    }

    /// The person's home folder, as it shows in paths.
    pub(super) fn home(&self) -> String {
        match self.os.kind {
            "linux" => format!("/home/{}", self.folder),
            "windows" => format!("C:/Users/{}", self.folder),
            _ => format!("/Users/{}", self.folder),
        }
    }

    /// Keys of `OTEL_RESOURCE_ATTRIBUTES`, in the order in which they are set.
    pub(super) fn custom(&self) -> [Attribute<'static>; 3] {
        [
            constant("department", self.department),
            constant("team.id", self.team),
            constant("cost_center", self.cost_center),
        ]
    }
}

/// `amber.badger`, `azure.beaver`, …; a number is added when colours and animals run out.
fn handle(index: usize) -> String {
    // 20 colours and 20 animals: every pair once, neighbours in neither word alike.
    let (round, index) = (index / 400, index % 400);
    let colour = COLOURS[index % 20];
    let animal = ANIMALS[(index + index / 20 * 7) % 20];
    match round {
        0 => format!("{colour}.{animal}"),
        _ => format!("{colour}.{animal}{round}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_people_share_an_address_and_three_of_ten_use_cowork() {
        let mut random = Random::new(3);
        let people: Vec<Person> = (0..1200)
            .map(|index| Person::new(index, &mut random))
            .collect();
        let addresses: HashSet<&str> = people.iter().map(|person| person.email.as_str()).collect();
        assert_eq!(addresses.len(), people.len());
        assert!(
            people
                .iter()
                .all(|person| person.email.ends_with("@example.com"))
        );
        let cowork = people
            .iter()
            .filter(|person| person.surface == Surface::Cowork)
            .count();
        assert_eq!(cowork * 10, people.len() * 3);
    }
}
