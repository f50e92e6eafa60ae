//! What is simulated.
//!
//! Invariant: a plan decides every byte of every request and their order. It is what a checkpoint is
//! compared by.

use std::str::FromStr;

use fleet::{ClientVersion, Config, Disorder, Variety};
use serde::{Deserialize, Serialize};

pub(crate) const DAY_MS: u64 = 24 * 3600 * 1000;
const HOUR_MS: u64 = 3600 * 1000;
/// How long a pack may wait for more, in simulated time.
pub(crate) const PACK_WAIT_MS: u64 = HOUR_MS / 2;
/// Events that a person sends on a day, somewhat less than there are.
const EVENTS_A_PERSON_DAY: u64 = 120;
/// How many people there are where nothing says it.
const USERS: u64 = 40;

/// How fast time passes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Speed {
    /// As fast as everything can be taken.
    Max,
    /// So many times as fast as on the wall.
    Times(f64),
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Speed, String> {
        let times = match text {
            "max" => return Ok(Speed::Max),
            "real-time" => Some(1.0),
            _ => text.strip_prefix('x').and_then(|times| times.parse().ok()),
        };
        let times = times.filter(|times: &f64| times.is_finite() && (0.01..=1e6).contains(times));
        times.map(Speed::Times).ok_or_else(|| {
            "write real-time, max, or x60 for sixty times as fast (x0.01 to x1000000)".to_owned()
        })
    }
}

/// In what people and their clients differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kinds {
    /// People live by roles, time zones and holidays, join and leave; clients differ
    Lifelike,
    /// Clients differ; everybody works the same hours
    Clients,
    /// Nobody differs
    None,
}

impl Kinds {
    fn variety(self) -> Variety {
        match self {
            Kinds::Lifelike => Variety::LIFELIKE,
            Kinds::Clients => Variety::FULL,
            Kinds::None => Variety::default(),
        }
    }
}

/// What is simulated, and in which requests it leaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The program's version: another one may generate other bytes.
    pub(crate) tallybook: String,
    pub(crate) users: u64,
    pub(crate) days: u64,
    pub(crate) seed: u64,
    /// When the simulated days end, milliseconds since the Unix epoch.
    pub(crate) end_unix_ms: u64,
    /// Log records at which it ends before.
    pub(crate) events: Option<u64>,
    pub(crate) content: bool,
    pub(crate) metrics: bool,
    pub(crate) variety: Kinds,
    /// As `disorder` reads it.
    pub(crate) disorder: String,
    pub(crate) speed: Speed,
    /// Items of a request, about.
    pub(crate) batch: usize,
    /// From when on every export is a request of its own; milliseconds since the Unix epoch.
    pub(crate) alone_from_ms: Option<u64>,
    /// Where it goes.
    pub(crate) target: String,
}

impl Plan {
    /// How many people it takes for so many events.
    pub(crate) fn users_for(events: Option<u64>, days: u64) -> u64 {
        events.map_or(USERS, |events| {
            events / (EVENTS_A_PERSON_DAY * days.max(1)) + 10
        })
    }

    /// When the simulated days end unless it is said: for what is stored at once the last full hour,
    /// so that a command says the same for a while; else when time has caught up.
    pub(crate) fn end_for(speed: Speed, now_ms: u64, days: u64) -> u64 {
        match speed {
            Speed::Max => now_ms / HOUR_MS * HOUR_MS,
            Speed::Times(times) => now_ms + (days as f64 * DAY_MS as f64 / times) as u64,
        }
    }

    /// When the simulated days begin, milliseconds since the Unix epoch.
    pub(crate) fn start_unix_ms(&self) -> u64 {
        self.end_unix_ms.saturating_sub(self.days * DAY_MS)
    }

    pub(crate) fn config(&self) -> Config {
        Config {
            people: usize::try_from(self.users).unwrap_or(usize::MAX),
            seed: self.seed,
            end_unix_ms: self.end_unix_ms,
            days: self.days,
            client: ClientVersion::V2_1_329,
            content: self.content,
            metrics: self.metrics,
            variety: self.variety.variety(),
        }
    }

    /// In what it differs from another one, a few words each; empty when it does not.
    pub(crate) fn differences(&self, other: &Plan) -> Vec<String> {
        let fields = |plan: &Plan| match serde_json::to_value(plan) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (own, others) = (fields(self), fields(other));
        let differing = own
            .iter()
            .filter(|(name, value)| others.get(*name) != Some(value));
        let said = differing.map(|(name, value)| {
            let before = others.get(name).cloned().unwrap_or_default();
            format!("{name} was {before} and is {value}")
        });
        said.collect()
    }
}

/// What goes wrong on the way: `none`, `full`, or shares like `repeated=0.1,lost=0.005`.
pub(crate) fn disorder(text: &str, seed: u64) -> Result<Disorder, String> {
    let mut disorder = Disorder {
        seed,
        ..Disorder::default()
    };
    match text {
        "none" => return Ok(disorder),
        "full" => {
            return Ok(Disorder {
                seed,
                ..Disorder::FULL
            });
        }
        _ => {}
    }
    for pair in text.split(',') {
        let (kind, share) = pair.split_once('=').unwrap_or((pair, ""));
        let share = share
            .parse()
            .ok()
            .filter(|share| (0.0..=1.0).contains(share));
        let share: f64 = share.ok_or_else(|| {
            format!("`{pair}`: write none, full, or kind=share with a share from 0 to 1")
        })?;
        match kind {
            "repeated" => disorder.repeated = share,
            "overtaken" => disorder.overtaken = share,
            "late" => disorder.late = share,
            "lost" => disorder.lost = share,
            "forwarded-twice" => disorder.forwarded_twice = share,
            _ => {
                return Err(format!(
                    "there is no `{kind}`: repeated, overtaken, late, lost, forwarded-twice"
                ));
            }
        }
    }
    Ok(disorder)
}

/// A moment written `2026-11-28` or `2026-11-28T12:00:00Z`, milliseconds since the Unix epoch.
pub(crate) fn moment_ms(text: &str) -> Result<u64, String> {
    let day = contract::parse_day_ms(text);
    let moment = || chrono::DateTime::parse_from_rfc3339(text).ok();
    let ms = day.or_else(|| Some(moment()?.timestamp_millis()));
    // Clients' times are texts with a year of four digits.
    let ms = ms.and_then(|ms| u64::try_from(ms).ok());
    let ms = ms.filter(|ms| contract::iso_millis(*ms).is_some());
    ms.ok_or_else(|| "write it like 2026-11-28 or 2026-11-28T12:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_and_moments_are_read_or_refused() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("real-time".parse(), Ok(Speed::Times(1.0)));
        assert_eq!("x2.5".parse(), Ok(Speed::Times(2.5)));
        for wrong in ["", "x", "x0", "x-1", "xNaN", "60", "fast", "x1e9"] {
            assert!(Speed::from_str(wrong).is_err(), "{wrong}");
        }
        assert_eq!(moment_ms("2026-11-21"), Ok(1_795_219_200_000));
        assert_eq!(
            moment_ms("2026-11-21T01:00:00+01:00"),
            Ok(1_795_219_200_000)
        );
        for wrong in ["", "2026-13-01", "yesterday", "1969-12-31"] {
            assert!(moment_ms(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn disorder_is_named_or_told_by_shares() {
        assert_eq!(disorder("none", 7).map(|found| found.lost), Ok(0.0));
        let full = disorder("full", 7).expect("full");
        assert_eq!((full.seed, full.late), (7, Disorder::FULL.late));
        let some = disorder("lost=0.5,forwarded-twice=1", 7).expect("shares");
        assert_eq!(
            (some.lost, some.forwarded_twice, some.late),
            (0.5, 1.0, 0.0)
        );
        for wrong in ["lost", "lost=2", "lost=-1", "lost=x", "lots=0.1", ""] {
            assert!(disorder(wrong, 7).is_err(), "{wrong}");
        }
    }
}
