//! Login sessions: who has signed in, where, and until when.
//!
//! Invariant: the id that opens a session is known to its browser alone; what is kept is a hash. A
//! session ends when it is idle or old, by the monotonic clock, across restarts by what the wall clock
//! says; at sign-out; and when its person's generation has moved on. One process has the file.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::hashed::Hashed;
use crate::people::Person;

/// Of all people together; the ones that were idle longest make room.
const SESSIONS_MAX: usize = 10_000;
/// Of one person.
const SESSIONS_OF_ONE_MAX: usize = 20;
const AGENT_CHARS_MAX: usize = 200;

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Without a request.
    pub idle: Duration,
    /// In all.
    pub absolute: Duration,
}

impl Default for Lifetimes {
    fn default() -> Lifetimes {
        Lifetimes {
            idle: Duration::from_secs(30 * 60),
            absolute: Duration::from_secs(12 * 3600),
        }
    }
}

/// What is kept of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The hash of what the browser has.
    pub(crate) hash: Hashed,
    /// Whose it is, by id.
    pub person: String,
    pub(crate) generation: u64,
    /// From where they signed in.
    pub address: IpAddr,
    /// What their browser calls itself.
    pub agent: String,
    /// When they signed in, milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// The last request, milliseconds since the Unix epoch.
    pub used_ms: u64,
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) wall_ms: u64,
    pub(crate) monotonic: Duration,
}

/// All sessions, in memory.
#[derive(Default)]
pub(crate) struct Sessions {
    lifetimes: Lifetimes,
    live: HashMap<Hashed, Live>,
}

struct Live {
    kept: Session,
    /// When it ends unless it is used, by the monotonic clock.
    idle_end: Duration,
    /// When it ends in any case, by the monotonic clock.
    end: Duration,
}

impl Session {
    /// By which it is listed and ended; it opens nothing.
    #[must_use]
    pub fn id(&self) -> String {
        self.hash.short()
    }
}

impl Sessions {
    /// Goes on with the sessions that were kept.
    pub(crate) fn resumed(kept: Vec<Session>, lifetimes: Lifetimes, now: Now) -> Sessions {
        let since = |ms: u64| Duration::from_millis(now.wall_ms.saturating_sub(ms));
        let live = kept.into_iter().take(SESSIONS_MAX).filter_map(|kept| {
            let left = lifetimes.absolute.checked_sub(since(kept.created_ms))?;
            let idle_left = lifetimes.idle.checked_sub(since(kept.used_ms))?;
            let live = Live {
                idle_end: now.monotonic + idle_left,
                end: now.monotonic + left,
                kept,
            };
            Some((live.kept.hash, live))
        });
        Sessions {
            lifetimes,
            live: live.collect(),
        }
    }

    /// Begins a session that `secret` opens.
    pub(crate) fn begin(
        &mut self,
        secret: &str,
        person: &Person,
        address: IpAddr,
        agent: &str,
        now: Now,
    ) -> Session {
        self.make_room(&person.id, now);
        let agent = agent.chars().filter(|c| !c.is_control());
        let kept = Session {
            hash: Hashed::of(secret),
            person: person.id.clone(),
            generation: person.generation,
            address,
            agent: agent.take(AGENT_CHARS_MAX).collect(),
            created_ms: now.wall_ms,
            used_ms: now.wall_ms,
        };
        let live = Live {
            kept: kept.clone(),
            idle_end: now.monotonic + self.lifetimes.idle,
            end: now.monotonic + self.lifetimes.absolute,
        };
        self.live.insert(kept.hash, live);
        kept
    }

    /// The session that `secret` opens, if it has not ended. A request that its person did not make
    /// by hand does not count as use.
    pub(crate) fn find(&mut self, secret: &str, is_use: bool, now: Now) -> Option<&Session> {
        let idle = self.lifetimes.idle;
        let live = self.live.get_mut(&Hashed::of(secret))?;
        if !live.lasts(now) {
            return None;
        }
        if is_use {
            live.idle_end = now.monotonic + idle;
            live.kept.used_ms = now.wall_ms;
        }
        Some(&live.kept)
    }

    /// Ends the session that `secret` opens.
    pub(crate) fn end(&mut self, secret: &str) -> Option<Session> {
        self.live.remove(&Hashed::of(secret)).map(|live| live.kept)
    }

    /// Ends a session by the id that lists show, if `may` says so.
    pub(crate) fn end_listed(
        &mut self,
        id: &str,
        may: impl Fn(&Session) -> bool,
    ) -> Option<Session> {
        let mut all = self.live.values();
        let found = all.find(|live| live.kept.id() == id && may(&live.kept))?;
        let hash = found.kept.hash;
        self.live.remove(&hash).map(|live| live.kept)
    }

    /// Forgets those that have ended.
    pub(crate) fn sweep(&mut self, now: Now, is_valid: impl Fn(&Session) -> bool) {
        self.live
            .retain(|_, live| live.lasts(now) && is_valid(&live.kept));
    }

    /// All of them, the one used last first.
    pub(crate) fn list(&self) -> Vec<Session> {
        let mut all: Vec<Session> = self.live.values().map(|live| live.kept.clone()).collect();
        all.sort_by_key(|session| (std::cmp::Reverse(session.used_ms), session.id()));
        all
    }

    fn make_room(&mut self, person: &str, now: Now) {
        self.live.retain(|_, live| live.lasts(now));
        let of_one = |live: &&Live| live.kept.person == person;
        let oldest = |live: &&Live| (live.idle_end, live.kept.created_ms);
        let crowded = match self.live.values().filter(of_one).count() {
            SESSIONS_OF_ONE_MAX.. => self.live.values().filter(of_one).min_by_key(oldest),
            _ if self.live.len() >= SESSIONS_MAX => self.live.values().min_by_key(oldest),
            _ => None,
        };
        if let Some(hash) = crowded.map(|live| live.kept.hash) {
            self.live.remove(&hash);
        }
    }
}

impl Live {
    fn lasts(&self, now: Now) -> bool {
        now.monotonic < self.idle_end && now.monotonic < self.end
    }
}

#[cfg(test)]
mod tests {
    //! Sessions end when they should, and not because the wall clock jumps; their number is bounded.
    use super::*;
    use crate::people::Register;
    use crate::roles::Role;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const START_MS: u64 = 1_800_000_000_000;

    fn at(minutes: u64) -> Now {
        Now {
            wall_ms: START_MS + minutes * 60_000,
            monotonic: Duration::from_secs(minutes * 60),
        }
    }

    fn person() -> Person {
        Register::default()
            .add("ann", &[Role::Viewer], None, 1)
            .unwrap()
    }

    fn begun(secret: &str) -> Sessions {
        let mut sessions = Sessions::default();
        sessions.begin(secret, &person(), HOME, "a\nbrowser", at(0));
        sessions
    }

    #[test]
    fn idle_and_old_sessions_end() {
        let mut sessions = begun("s");
        assert!(sessions.find("s", false, at(29)).is_some(), "not yet idle");
        assert!(
            sessions.find("s", true, at(30)).is_none(),
            "idle: looking on is no use"
        );
        let mut sessions = begun("s");
        for minutes in (0..12 * 60).step_by(20) {
            assert!(sessions.find("s", true, at(minutes)).is_some(), "{minutes}");
        }
        assert!(sessions.find("s", true, at(12 * 60)).is_none());
        let mut sessions = begun("s");
        assert!(sessions.find("other", true, at(1)).is_none());
        let back = Now {
            wall_ms: 0,
            ..at(29)
        };
        assert!(
            sessions.find("s", true, back).is_some(),
            "the wall clock may jump"
        );
        assert!(sessions.end("s").is_some() && sessions.find("s", true, at(30)).is_none());
    }

    #[test]
    fn a_restart_changes_nothing() {
        let mut sessions = begun("s");
        sessions.find("s", true, at(10));
        let kept = sessions.list();
        assert_eq!(kept[0].agent, "abrowser");
        let restarted = |minutes: u64| {
            let now = Now {
                monotonic: Duration::from_secs(5),
                ..at(minutes)
            };
            let lifetimes = Lifetimes::default();
            Sessions::resumed(kept.clone(), lifetimes, now)
                .find("s", false, now)
                .is_some()
        };
        assert!(restarted(39) && !restarted(40) && !restarted(12 * 60));
    }

    #[test]
    fn the_number_is_bounded() {
        let mut sessions = Sessions::default();
        let ann = person();
        for number in 0..SESSIONS_OF_ONE_MAX + 5 {
            sessions.begin(
                &number.to_string(),
                &ann,
                HOME,
                "",
                at(1 + number as u64 / 10),
            );
        }
        assert_eq!(sessions.list().len(), SESSIONS_OF_ONE_MAX);
        assert!(sessions.find("24", false, at(3)).is_some());
        let id = sessions.list()[0].id();
        assert!(sessions.end_listed(&id, |_| false).is_none());
        assert!(sessions.end_listed(&id, |_| true).is_some());
        sessions.sweep(at(3), |session| session.person != ann.id);
        assert!(sessions.list().is_empty());
    }
}
