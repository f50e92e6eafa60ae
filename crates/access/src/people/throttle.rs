//! Who tries too often has to wait, longer each time.
//!
//! Invariant: bounded memory, whatever is tried. Names and addresses share a table of fixed size by a
//! hash with a key of this process: two that share a place wait together, and nobody can choose who.
//! A name that nobody has is treated like any other.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So many failures cost nothing but their time.
const FREE: u32 = 5;
/// An address may belong to many people.
const FREE_OF_ADDRESS: u32 = 20;
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Failures are forgotten after so long without one.
const FORGOTTEN: Duration = Duration::from_secs(3600);
const PLACES: usize = 8192;

/// Counts failures by account and by address.
pub(crate) struct Throttle {
    places: Mutex<Vec<Place>>,
    hasher: RandomState,
}

#[derive(Clone, Copy, Default)]
struct Place {
    failures: u32,
    last: Duration,
    until: Duration,
}

/// Somebody who tries: one name, one address.
pub(crate) struct Attempt([(usize, u32); 2]);

impl Throttle {
    pub(crate) fn new() -> Throttle {
        Throttle {
            places: Mutex::new(vec![Place::default(); PLACES]),
            hasher: RandomState::new(),
        }
    }

    pub(crate) fn attempt(&self, name: &str, address: IpAddr) -> Attempt {
        Attempt([
            (self.place(&(0, name.to_lowercase())), FREE),
            (self.place(&(1, network(address))), FREE_OF_ADDRESS),
        ])
    }

    /// How much longer to wait; `None` when it may be tried. `now` is monotonic.
    pub(crate) fn wait(&self, attempt: &Attempt, now: Duration) -> Option<Duration> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let until = attempt.0.iter().map(|(at, _)| places[*at].until).max()?;
        until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// Notes a failure; how long to wait from now on, if at all.
    pub(crate) fn failed(&self, attempt: &Attempt, now: Duration) -> Option<Duration> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = attempt.0.iter().filter_map(|(at, free)| {
            let place = &mut places[*at];
            if now.saturating_sub(place.last.max(place.until)) > FORGOTTEN {
                place.failures = 0;
            }
            place.failures = place.failures.saturating_add(1);
            place.last = now;
            let doubled = place.failures.checked_sub(*free)?.min(20);
            let wait = (FIRST_WAIT * 2u32.pow(doubled)).min(LONGEST_WAIT);
            place.until = now + wait;
            Some(wait)
        });
        waits.max()
    }

    /// Notes a success: the name's failures are forgotten, the address's are not.
    pub(crate) fn succeeded(&self, attempt: &Attempt) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places[attempt.0[0].0] = Place::default();
    }

    fn place(&self, key: &impl Hash) -> usize {
        (self.hasher.hash_one(key) % PLACES as u64) as usize
    }
}

/// An address of IPv6 is one of 2^64 that its owner may use.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    //! Waits double up to their bound, by name and by address, and end.
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn waits_double_and_end() {
        let throttle = Throttle::new();
        let ann = throttle.attempt("Ann", HOME);
        for _ in 1..FREE {
            assert_eq!(throttle.failed(&ann, at(10)), None);
        }
        assert_eq!(throttle.wait(&ann, at(10)), None);
        assert_eq!(throttle.failed(&ann, at(10)), Some(at(2)));
        assert_eq!(
            throttle.wait(&throttle.attempt("ANN", HOME), at(11)),
            Some(at(1))
        );
        assert_eq!(throttle.wait(&ann, at(12)), None);
        assert_eq!(throttle.failed(&ann, at(12)), Some(at(4)));
        for _ in 0..40 {
            throttle.failed(&ann, at(20));
        }
        assert_eq!(throttle.wait(&ann, at(20)), Some(LONGEST_WAIT));
        throttle.succeeded(&ann);
        assert!(
            throttle.wait(&ann, at(20)).is_some(),
            "the address still waits"
        );
        let elsewhere = throttle.attempt("ann", IpAddr::from([198, 51, 100, 1]));
        assert_eq!(throttle.wait(&elsewhere, at(20)), None);
        assert_eq!(throttle.failed(&elsewhere, at(20)), None);
    }

    #[test]
    fn an_address_that_tries_many_names_waits() {
        let throttle = Throttle::new();
        for number in 0..FREE_OF_ADDRESS {
            throttle.failed(&throttle.attempt(&format!("person {number}"), HOME), at(1));
        }
        let next = throttle.attempt("somebody else", HOME);
        assert!(throttle.wait(&next, at(1)).is_some());
        assert_eq!(throttle.wait(&next, at(100)), None);
        throttle.failed(&next, at(2 * 3600));
        assert_eq!(
            throttle.wait(&next, at(2 * 3600)),
            None,
            "old failures are forgotten"
        );
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let other: IpAddr = "2001:db8::2".parse().unwrap();
        assert_eq!(network(one), network(other));
    }
}
