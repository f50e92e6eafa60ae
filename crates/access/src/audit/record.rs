//! What is on record of one act.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::organizations::Organizations;
use crate::principal::{Principal, Who};

/// Longer texts are cut: a record says what was done, it does not keep content.
const TEXT_BYTES_MAX: usize = 4096;

macro_rules! actions {
    ($($(#[doc = $about:literal])+ $name:ident $written:literal,)+) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action {
            $($(#[doc = $about])+ $name,)+
        }

        impl Action {
            /// As it is on record.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Action::$name => $written,)+ }
            }
        }
    };
}

actions! {
    /// Somebody signed in, or failed to.
    SignIn "sign_in",
    /// Somebody failed so often that they have to wait.
    LockOut "lock_out",
    /// Somebody signed out.
    SignOut "sign_out",
    /// The setup link was made or used.
    SetUp "set_up",
    /// Content was shown.
    Reveal "reveal",
    /// A question was asked in SQL.
    Query "query",
    /// An answer was taken along as a file.
    Export "export",
    /// People were added, changed or removed.
    People "people",
    /// Keys were made or revoked.
    Keys "keys",
    /// Ingest tokens were made or revoked.
    Tokens "tokens",
    /// A login session was ended by somebody.
    Session "session",
    /// Settings were changed.
    Settings "settings",
    /// A person's data was erased.
    Erase "erase",
    /// Example data was loaded or removed.
    DemoData "demo_data",
    /// Retention was run by somebody.
    Retention "retention",
    /// A legal hold was set or released.
    Hold "hold",
    /// It was said, or taken back, that nothing more is taken in of a person.
    Refuse "refuse",
    /// Somebody asked for what they may not have.
    Denied "denied",
    /// An unfinished end of the trail was taken off after a crash.
    Repaired "repaired",
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, or is about to be.
    Allowed,
    /// It was refused.
    Refused,
}

/// One act, to be put on record.
#[derive(Clone, Debug)]
pub struct Act {
    actor_kind: &'static str,
    actor: String,
    address: Option<IpAddr>,
    action: Action,
    object: String,
    outcome: Outcome,
    request_id: Option<String>,
    organizations: Organizations,
}

impl Act {
    /// What a principal did.
    #[must_use]
    pub fn of(principal: &Principal, action: Action, object: impl Into<String>) -> Act {
        let (kind, actor) = match &principal.who {
            Who::Anybody => ("anybody", String::new()),
            Who::Person { name, .. } => ("person", name.clone()),
            Who::Key { id, .. } => ("key", id.clone()),
        };
        let act = Act::new(kind, actor, action, object.into());
        act.within(&principal.organizations)
    }

    /// It concerns nothing beyond these organisations.
    #[must_use]
    pub fn within(mut self, organizations: &Organizations) -> Act {
        self.organizations = organizations.clone();
        self
    }

    /// What somebody did whom nobody has recognised; `name` only if it is that of a person.
    #[must_use]
    pub fn of_stranger(name: &str, action: Action, object: impl Into<String>) -> Act {
        Act::new("stranger", name.to_owned(), action, object.into())
    }

    /// What a provider by which people sign in, here by its issuer, made of them.
    #[must_use]
    pub fn of_provider(issuer: &str, action: Action, object: impl Into<String>) -> Act {
        Act::new("provider", issuer.to_owned(), action, object.into())
    }

    /// What was sent with an ingest token.
    #[must_use]
    pub fn of_token(id: &str, action: Action, object: impl Into<String>) -> Act {
        Act::new("token", id.to_owned(), action, object.into())
    }

    /// What was done on the command line; `user` is the account of the operating system.
    #[must_use]
    pub fn of_command(user: &str, action: Action, object: impl Into<String>) -> Act {
        Act::new("command", user.to_owned(), action, object.into())
    }

    /// What the trail did itself.
    pub(super) fn of_trail(action: Action, object: String) -> Act {
        Act::new("trail", String::new(), action, object)
    }

    fn new(actor_kind: &'static str, actor: String, action: Action, object: String) -> Act {
        Act {
            actor_kind,
            actor: cut(actor),
            address: None,
            action,
            object: cut(object),
            outcome: Outcome::Allowed,
            request_id: None,
            organizations: Organizations::all(),
        }
    }

    /// From where, in which request.
    #[must_use]
    pub fn asked(mut self, address: Option<IpAddr>, request_id: &str) -> Act {
        self.address = address;
        self.request_id = Some(cut(request_id.to_owned()));
        self
    }

    /// It was refused.
    #[must_use]
    pub fn refused(mut self) -> Act {
        self.outcome = Outcome::Refused;
        self
    }

    pub(super) fn on_record(
        self,
        sequence: u64,
        previous: String,
        time_ms: u64,
        omitted: u64,
    ) -> Record {
        Record {
            sequence,
            previous,
            time_ms,
            actor_kind: self.actor_kind.to_owned(),
            actor: self.actor,
            address: self.address,
            action: self.action.name().to_owned(),
            object: self.object,
            outcome: match self.outcome {
                Outcome::Allowed => "allowed".to_owned(),
                Outcome::Refused => "refused".to_owned(),
            },
            request_id: self.request_id,
            organizations: self.organizations,
            omitted,
        }
    }
}

/// One act on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// From 1, without gaps.
    pub sequence: u64,
    /// The hash of the record before, hexadecimal; zeros before the first.
    pub previous: String,
    /// When, by the server's clock, milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// `person`, `key`, `command`, `provider`, `token`, `stranger`, `anybody` (before anybody was set up) or `trail`.
    pub actor_kind: String,
    /// The name of a person or account, or the id of a key.
    pub actor: String,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// `allowed` or `refused`.
    pub outcome: String,
    /// The answer's header `x-request-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Of which organisations whoever did it may see or manage what is there, or what it concerns.
    #[serde(default, skip_serializing_if = "Organizations::is_all")]
    pub organizations: Organizations,
    /// How many refusals before it are not on record, because there were too many at once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        let end = text.floor_char_boundary(TEXT_BYTES_MAX);
        text.truncate(end);
        text.push('…');
    }
    text
}
