//! What happened at the door lately: who was turned away and why, and which events came for the first
//! time. It is for whoever sets a client up and sees nothing arrive.
//!
//! Invariant: a bounded number of entries, whatever comes; of what was sent they hold nothing, and of a
//! path nothing that could be a secret. The same failure again is counted, not listed again.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::{Document, DocumentError};

/// How many different failures are remembered.
const KNOCKS_MAX: usize = 64;
const PATH_CHARS_MAX: usize = 120;
const METHOD_CHARS_MAX: usize = 16;
const MEDIA_TYPE_CHARS_MAX: usize = 80;
/// A longer part of a path may be a credential that somebody put there.
const SEGMENT_CHARS_MAX: usize = 24;

/// The events by which it is seen that a client reports everything that matters.
pub const EVENTS: [&str; 5] = [
    "user_prompt",
    "api_request",
    "tool_decision",
    "tool_result",
    "api_error",
];

/// A request that was refused, or that was odd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knock {
    /// Where it came from.
    pub peer: IpAddr,
    /// `http` or `grpc`.
    pub transport: &'static str,
    /// The method of HTTP; empty if it was not understood.
    pub method: String,
    /// Its path, without what could be a secret.
    pub path: String,
    /// Its media type; empty if it had none.
    pub content_type: String,
    /// Status of HTTP, name of gRPC's, or `cut`.
    pub status: &'static str,
    /// Why, as in counters: `unauthenticated`, `not_found`, `empty` and so on.
    pub reason: &'static str,
    /// What is wrong and how to mend it.
    pub advice: String,
}

/// A knock, and how often there was the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// What it was.
    pub knock: Knock,
    /// When it was heard first and last, milliseconds since the Unix epoch.
    pub first_ms: u64,
    /// The same, last.
    pub last_ms: u64,
    /// How often.
    pub times: u64,
}

/// When an event came for the first time, milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstSeen {
    /// Which of [`EVENTS`].
    pub event: &'static str,
    /// Since the start of the process.
    pub since_start_ms: Option<u64>,
    /// Ever, as far as it was noted.
    pub ever_ms: Option<u64>,
}

/// What happened at the door of a data directory.
#[derive(Debug)]
pub struct Door {
    document: Document,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The latest last.
    heard: Vec<Heard>,
    since_start: [Option<u64>; EVENTS.len()],
    ever: Noted,
}

/// When each event came for the first time, on the disk.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Noted(BTreeMap<String, u64>);

impl Knock {
    /// The same with a path and a media type that may be shown.
    fn shown(self) -> Knock {
        let path = shown_path(&self.path);
        // Advice may repeat the path.
        let advice = match path == self.path {
            true => self.advice,
            false => self.advice.replace(&self.path, &path),
        };
        Knock {
            path,
            advice,
            content_type: shown(&self.content_type, MEDIA_TYPE_CHARS_MAX),
            peer: self.peer,
            transport: self.transport,
            method: shown(&self.method, METHOD_CHARS_MAX),
            status: self.status,
            reason: self.reason,
        }
    }
}

impl Door {
    /// The door of the data directory `dir`.
    ///
    /// # Errors
    /// What was noted cannot be read.
    pub fn open(dir: &Path) -> Result<Door, DocumentError> {
        let document = Document::at(dir.join("access").join("first-events.json"));
        let ever = document.read()?.unwrap_or_default();
        Ok(Door {
            document,
            state: Mutex::new(State {
                ever,
                ..State::default()
            }),
        })
    }

    /// Takes note of a request.
    pub fn hear(&self, knock: Knock, now_ms: u64) {
        let knock = knock.shown();
        let mut state = self.state();
        let known = state.heard.iter().position(|heard| heard.knock == knock);
        let heard = match known {
            Some(at) => {
                let heard = state.heard.remove(at);
                Heard {
                    last_ms: now_ms,
                    times: heard.times.saturating_add(1),
                    ..heard
                }
            }
            None => Heard {
                knock,
                first_ms: now_ms,
                last_ms: now_ms,
                times: 1,
            },
        };
        if state.heard.len() == KNOCKS_MAX {
            state.heard.remove(0);
        }
        state.heard.push(heard);
    }

    /// What was heard, the latest first.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        self.state().heard.iter().rev().cloned().collect()
    }

    /// Which of [`EVENTS`] have not come since the start: only these need to be looked for.
    #[must_use]
    pub fn awaited(&self) -> Vec<&'static str> {
        let state = self.state();
        let all = EVENTS.into_iter().zip(state.since_start);
        all.filter(|(_, seen)| seen.is_none())
            .map(|(event, _)| event)
            .collect()
    }

    /// These events came. Whether one of them never came before: then there is something to save.
    pub fn arrived(&self, events: &[&'static str], now_ms: u64) -> bool {
        let mut state = self.state();
        let mut is_new = false;
        for event in events {
            let Some(at) = EVENTS.iter().position(|known| known == event) else {
                continue;
            };
            state.since_start[at].get_or_insert(now_ms);
            is_new |= !state.ever.0.contains_key(*event);
            state.ever.0.entry((*event).to_owned()).or_insert(now_ms);
        }
        is_new
    }

    /// When each event came first.
    #[must_use]
    pub fn first_seen(&self) -> [FirstSeen; EVENTS.len()] {
        let state = self.state();
        std::array::from_fn(|at| FirstSeen {
            event: EVENTS[at],
            since_start_ms: state.since_start[at],
            ever_ms: state.ever.0.get(EVENTS[at]).copied(),
        })
    }

    /// Writes down what came for the first time. Blocks on the disk.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self) -> Result<(), DocumentError> {
        let ever = self.state().ever.clone();
        self.document.replace(&ever)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown(text: &str, chars_max: usize) -> String {
    let symbols = text.chars().take(chars_max);
    symbols
        .map(|symbol| if symbol.is_control() { ' ' } else { symbol })
        .collect()
}

fn shown_path(path: &str) -> String {
    // Paths of gRPC are long and known; any other part that is long may be a secret.
    let is_secret = |part: &str| {
        let is_credential = part.starts_with("tbi_") || part.starts_with("tbk_");
        is_credential
            || (part.len() > SEGMENT_CHARS_MAX && !part.starts_with("opentelemetry.proto."))
    };
    let parts = path
        .split('/')
        .map(|part| if is_secret(part) { "…" } else { part });
    shown(&parts.collect::<Vec<_>>().join("/"), PATH_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    //! Bounded, without secrets, and the first of each event once.
    use super::*;

    fn knock(path: &str) -> Knock {
        Knock {
            peer: IpAddr::from([127, 0, 0, 1]),
            transport: "http",
            method: "POST".to_owned(),
            path: path.to_owned(),
            content_type: "application/json".to_owned(),
            status: "404",
            reason: "not_found",
            advice: String::new(),
        }
    }

    #[test]
    fn the_same_failure_is_counted_and_the_list_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let door = Door::open(folder.path()).unwrap();
        for at in 0..1_000 {
            door.hear(knock("/"), at);
            door.hear(knock(&format!("/{at}")), at);
        }
        let heard = door.heard();
        assert_eq!(heard.len(), KNOCKS_MAX);
        let root = heard.iter().find(|heard| heard.knock.path == "/").unwrap();
        assert_eq!((root.times, root.first_ms, root.last_ms), (1_000, 0, 999));
        assert_eq!(heard[0].knock.path, "/999", "the latest first");
    }

    #[test]
    fn a_secret_in_a_path_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let door = Door::open(folder.path()).unwrap();
        for path in [
            "/tbi_abc_def/v1/logs",
            "/0123456789abcdef0123456789abcdef/v1/log",
            "/opentelemetry.proto.collector.logs.v1.LogsService/Import",
        ] {
            door.hear(knock(path), 1);
        }
        let paths: Vec<String> = door
            .heard()
            .into_iter()
            .map(|heard| heard.knock.path)
            .collect();
        let grpc = "/opentelemetry.proto.collector.logs.v1.LogsService/Import";
        assert_eq!(paths, [grpc, "/…/v1/log", "/…/v1/logs"]);
    }

    #[test]
    fn the_first_of_each_event_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let door = Door::open(folder.path()).unwrap();
        assert!(door.arrived(&["api_request"], 5));
        assert!(!door.arrived(&["api_request"], 6));
        assert_eq!(door.awaited().len(), EVENTS.len() - 1);
        door.save().unwrap();
        let again = Door::open(folder.path()).unwrap();
        let seen = again.first_seen()[1];
        assert_eq!((seen.since_start_ms, seen.ever_ms), (None, Some(5)));
    }
}
