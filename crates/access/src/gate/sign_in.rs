//! Signing in: a name and a password become a session.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{Gate, Shown};
use crate::failure::AccessError;
use crate::hashed::new_secret;
use crate::people::Person;
use crate::people::password::Password;
use crate::principal::Principal;

/// Passwords verified at once: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;
/// How many more may wait for that.
const WAITING_MAX: usize = 32;

/// Somebody who has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// What the browser keeps; it is kept nowhere else.
    pub secret: String,
    /// Who they are.
    pub principal: Principal,
}

/// Why somebody is not signed in.
#[derive(Debug)]
pub enum SignInError {
    /// Name or password is wrong; which of them is not said. The time is how long to wait, after
    /// too many failures.
    Wrong(Option<Duration>),
    /// Too many failures before: how long to wait. Nothing was verified.
    Blocked(Duration),
    /// Too many are signing in at once.
    Busy,
    /// It could not be done.
    Failed(AccessError),
}

/// Verifies passwords, a few at a time.
pub(super) struct Verifier {
    places: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Verifier {
    pub(super) fn new() -> Verifier {
        Verifier {
            places: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Semaphore::new(AT_ONCE + WAITING_MAX),
        }
    }

    /// Runs `work` on a thread for that; `None` when too many wait.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let _waiting = self.waiting.try_acquire().ok()?;
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let work = tokio::task::spawn_blocking(move || {
            // Whoever asked may be gone; the work still takes its place.
            let _place = place;
            work()
        });
        work.await.ok()
    }
}

impl Gate {
    /// Lets somebody in by name and password, with a session of a new id.
    ///
    /// # Errors
    /// Why not.
    pub async fn sign_in(
        self: &Arc<Self>,
        name: &str,
        password: Password,
        address: IpAddr,
        agent: &str,
    ) -> Result<SignedIn, SignInError> {
        let attempt = self.throttle.attempt(name, address);
        if let Some(wait) = self.throttle.wait(&attempt, self.now().monotonic) {
            return Err(SignInError::Blocked(wait));
        }
        let register = self.register().map_err(SignInError::Failed)?;
        let person = register
            .named(name)
            .filter(|person| !person.disabled)
            .cloned();
        let hash = person.as_ref().and_then(|person| person.password.clone());
        let verified = self
            .verifier
            .run(move || password.is_of(hash.as_deref()))
            .await;
        match (verified.ok_or(SignInError::Busy)?, person) {
            (true, Some(person)) => {
                self.throttle.succeeded(&attempt);
                self.begin(&person, address, agent)
                    .await
                    .map_err(SignInError::Failed)
            }
            _ => {
                let wait = self.throttle.failed(&attempt, self.now().monotonic);
                Err(SignInError::Wrong(wait))
            }
        }
    }

    /// Makes somebody an admin who has the secret of the setup link, and lets them in.
    ///
    /// # Errors
    /// Why not: a wrong secret counts as a failure of its address.
    pub async fn set_up(
        self: &Arc<Self>,
        secret: &str,
        name: &str,
        password: Password,
        address: IpAddr,
        agent: &str,
    ) -> Result<SignedIn, SignInError> {
        let attempt = self.throttle.attempt("", address);
        if let Some(wait) = self.throttle.wait(&attempt, self.now().monotonic) {
            return Err(SignInError::Blocked(wait));
        }
        let register = self.register().map_err(SignInError::Failed)?;
        if !register.is_setup(secret, self.now().wall_ms) {
            return Err(SignInError::Wrong(
                self.throttle.failed(&attempt, self.now().monotonic),
            ));
        }
        let (gate, name, secret) = (Arc::clone(self), name.to_owned(), secret.to_owned());
        let made = self
            .verifier
            .run(move || gate.finish_setup(&secret, &name, &password))
            .await;
        let person = made
            .ok_or(SignInError::Busy)?
            .map_err(SignInError::Failed)?;
        self.begin(&person, address, agent)
            .await
            .map_err(SignInError::Failed)
    }

    /// Whether this is the person's password; counted like a sign-in.
    ///
    /// # Errors
    /// Why not.
    pub async fn verify(
        &self,
        person: &Person,
        password: Password,
        address: IpAddr,
    ) -> Result<(), SignInError> {
        let attempt = self.throttle.attempt(&person.name, address);
        if let Some(wait) = self.throttle.wait(&attempt, self.now().monotonic) {
            return Err(SignInError::Blocked(wait));
        }
        let hash = person.password.clone();
        let verified = self
            .verifier
            .run(move || password.is_of(hash.as_deref()))
            .await;
        match verified.ok_or(SignInError::Busy)? {
            true => Ok(()),
            false => Err(SignInError::Wrong(
                self.throttle.failed(&attempt, self.now().monotonic),
            )),
        }
    }

    async fn begin(
        self: &Arc<Self>,
        person: &Person,
        address: IpAddr,
        agent: &str,
    ) -> Result<SignedIn, AccessError> {
        let secret = new_secret()?;
        self.sessions()
            .begin(&secret, person, address, agent, self.now());
        let gate = Arc::clone(self);
        let kept = tokio::task::spawn_blocking(move || gate.keep_sessions()).await;
        // In memory the session counts; that a restart would end it is no reason to keep people out.
        match kept {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!("a login session is not kept: {error}; a restart would end it")
            }
            Err(error) => tracing::warn!("a login session is not kept: {error}"),
        }
        let principal = self.recognise(Shown::Session(&secret), true);
        let principal = principal
            .map_err(|_| AccessError::wrong("the person was changed meanwhile", "try again"))?;
        Ok(SignedIn { secret, principal })
    }
}
