//! Who is let in: the one place where a credential becomes a principal.
//!
//! Invariant: closed once there is somebody, or by configuration, or when others than this machine can
//! come; what cannot be read opens nothing. A password is verified on threads for that, so many at a
//! time, and a name that nobody has costs as much as one that somebody has.

mod manage;
mod sign_in;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{Clock, Shutdown};

pub use manage::{Change, SetupLink};
pub use sign_in::{SignInError, SignedIn};

use crate::document::Document;
use crate::failure::AccessError;
use crate::kept::Kept;
use crate::people::Register;
use crate::people::throttle::Throttle;
use crate::principal::{Principal, Who};
use crate::sessions::{Lifetimes, Now, Session, Sessions};
use sign_in::Verifier;

/// How often what is idle is forgotten, and the rest is kept.
const SWEEP: Duration = Duration::from_secs(60);

/// How a server lets people in.
#[derive(Clone, Copy, Debug, Default)]
pub struct GateConfig {
    /// Whether signing in is asked for even though nobody has been set up.
    pub required: bool,
    /// How long sessions last.
    pub lifetimes: Lifetimes,
}

/// Why nobody is let in.
#[derive(Debug)]
pub enum Refused {
    /// No credential was shown.
    Nothing,
    /// The session has ended, or never was.
    Session,
    /// The key is unknown, expired or revoked, or its maker is gone.
    Key,
    /// Who there is cannot be read.
    Unreadable(AccessError),
}

/// What a request shows.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// Nothing.
    Nothing,
    /// The id of a session.
    Session(&'a str),
    /// The text of a key.
    Key(&'a str),
}

/// Lets people in.
pub struct Gate {
    register: Kept<Register>,
    sessions: Mutex<Sessions>,
    kept_sessions: Document,
    /// When keys were last used, by id, milliseconds since the Unix epoch.
    key_uses: Mutex<KeyUses>,
    kept_key_uses: Document,
    throttle: Throttle,
    verifier: Verifier,
    clock: Arc<dyn Clock>,
    required: bool,
    folder: PathBuf,
}

type KeyUses = BTreeMap<String, u64>;

impl Gate {
    /// The gate of a data directory.
    ///
    /// # Errors
    /// Who there is cannot be read.
    pub fn open(
        data_dir: &Path,
        clock: Arc<dyn Clock>,
        config: GateConfig,
    ) -> Result<Gate, AccessError> {
        let folder = data_dir.join("access");
        let register = Kept::new(Document::at(folder.join("people.json")));
        register.look()?;
        let kept_sessions = Document::at(folder.join("sessions.json"));
        let kept = kept_sessions.read::<Vec<Session>>()?.unwrap_or_default();
        let kept_key_uses = Document::at(folder.join("key-uses.json"));
        let now = now(&*clock);
        Ok(Gate {
            register,
            sessions: Mutex::new(Sessions::resumed(kept, config.lifetimes, now)),
            kept_sessions,
            key_uses: Mutex::new(kept_key_uses.read()?.unwrap_or_default()),
            kept_key_uses,
            throttle: Throttle::new(),
            verifier: Verifier::new(),
            clock,
            required: config.required,
            folder,
        })
    }

    /// Everybody.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn register(&self) -> Result<Arc<Register>, AccessError> {
        Ok(self.register.look()?)
    }

    /// Whether signing in is not asked for: nobody has been set up, and none is required.
    ///
    /// # Errors
    /// Who there is cannot be read.
    pub fn is_open(&self) -> Result<bool, AccessError> {
        Ok(!self.required && self.register.look()?.people().is_empty())
    }

    /// Who shows this. `is_use`: somebody did this by hand, so that their session goes on.
    ///
    /// # Errors
    /// Why they are not let in.
    pub fn recognise(&self, shown: Shown<'_>, is_use: bool) -> Result<Principal, Refused> {
        let register = self.register().map_err(Refused::Unreadable)?;
        match shown {
            Shown::Nothing => Err(Refused::Nothing),
            Shown::Key(text) => {
                let (key, permissions) = register
                    .key_of(text, self.now().wall_ms)
                    .ok_or(Refused::Key)?;
                self.key_uses().insert(key.id.clone(), self.now().wall_ms);
                let (id, label) = (key.id.clone(), key.label.clone());
                let who = Who::Key { id, label };
                Ok(Principal { who, permissions })
            }
            Shown::Session(secret) => {
                let mut sessions = self.sessions();
                let session = sessions.find(secret, is_use, self.now());
                let session = session.ok_or(Refused::Session)?;
                let person = person_of(&register, session).ok_or(Refused::Session)?;
                Ok(Principal {
                    permissions: person.permissions(),
                    who: Who::Person {
                        id: person.id.clone(),
                        name: person.name.clone(),
                        roles: person.roles.clone(),
                        session: session.id(),
                    },
                })
            }
        }
    }

    /// All sessions that last, with whose they are.
    ///
    /// # Errors
    /// Who there is cannot be read.
    pub fn list_sessions(&self) -> Result<Vec<(Session, String)>, AccessError> {
        let register = self.register()?;
        let mut sessions = self.sessions();
        sessions.sweep(self.now(), |session| {
            person_of(&register, session).is_some()
        });
        let named = sessions.list().into_iter().filter_map(|session| {
            let name = person_of(&register, &session)?.name.clone();
            Some((session, name))
        });
        Ok(named.collect())
    }

    /// Ends a session by its id in lists; `of` says whose it must be. Blocks on the disk.
    ///
    /// # Errors
    /// There is none, or its end could not be kept: it has ended all the same.
    pub fn end_session(&self, id: &str, of: Option<&str>) -> Result<Session, AccessError> {
        let may = |session: &Session| of.is_none_or(|person| session.person == person);
        let ended = self.sessions().end_listed(id, may);
        let ended =
            ended.ok_or_else(|| AccessError::Missing(format!("there is no session {id:?}")))?;
        self.keep_sessions()?;
        Ok(ended)
    }

    /// Ends the session of a browser. Blocks on the disk.
    ///
    /// # Errors
    /// Its end could not be kept: it has ended, but a restart would not know.
    pub fn sign_out(&self, secret: &str) -> Result<(), AccessError> {
        let ended = self.sessions().end(secret);
        match ended {
            Some(_) => self.keep_sessions(),
            None => Ok(()),
        }
    }

    /// Forgets what is idle and keeps the rest, again and again until `shutdown`.
    pub async fn run(self: Arc<Self>, shutdown: Shutdown) {
        loop {
            let ends = tokio::select! {
                () = tokio::time::sleep(SWEEP) => false,
                () = shutdown.wait() => true,
            };
            let gate = Arc::clone(&self);
            let kept = tokio::task::spawn_blocking(move || gate.sweep()).await;
            if let Ok(Err(error)) = kept {
                tracing::warn!(
                    "login sessions are not kept: {error}; a restart would end some early"
                );
            }
            if ends {
                return;
            }
        }
    }

    /// When a key was last used, milliseconds since the Unix epoch; kept once a minute.
    #[must_use]
    pub fn key_used_ms(&self, id: &str) -> Option<u64> {
        self.key_uses().get(id).copied()
    }

    fn sweep(&self) -> Result<(), AccessError> {
        let register = self.register()?;
        let before = self.sessions().list();
        self.sessions().sweep(self.now(), |session| {
            person_of(&register, session).is_some()
        });
        let uses = {
            let mut uses = self.key_uses();
            uses.retain(|id, _| register.keys().iter().any(|key| key.id == *id));
            uses.clone()
        };
        if !uses.is_empty() {
            self.kept_key_uses.replace(&uses)?;
        }
        match before.is_empty() {
            true => Ok(()),
            false => self.keep_sessions(),
        }
    }

    fn keep_sessions(&self) -> Result<(), AccessError> {
        // Held while writing: what is written last is what is newest.
        let sessions = self.sessions();
        Ok(self.kept_sessions.replace(&sessions.list())?)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key_uses(&self) -> MutexGuard<'_, KeyUses> {
        self.key_uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Now {
        now(&*self.clock)
    }
}

fn now(clock: &dyn Clock) -> Now {
    Now {
        wall_ms: clock.now_unix_ns() / 1_000_000,
        monotonic: clock.monotonic(),
    }
}

/// Whose a session is, if it still counts.
fn person_of<'a>(register: &'a Register, session: &Session) -> Option<&'a crate::people::Person> {
    let person = register.with_id(&session.person)?;
    (!person.disabled && person.generation == session.generation).then_some(person)
}

#[cfg(test)]
#[path = "gate/tests.rs"]
mod tests;
