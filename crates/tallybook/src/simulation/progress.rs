//! How far a simulation is: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::plan::{DAY_MS, Plan};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// The bar's length.
const STEPS: u64 = 10_000;

/// Tells whoever waits. Clones tell the same.
#[derive(Clone)]
pub(crate) struct Progress {
    shared: Arc<Mutex<State>>,
    bar: ProgressBar,
    writes_lines: bool,
}

/// What there is to tell.
struct State {
    started: Instant,
    told: Instant,
    start_ms: u64,
    days: u64,
    events_max: Option<u64>,
    /// Done before this run.
    events_before: u64,
    events: u64,
    items: u64,
    at_ms: u64,
    /// How far it was when this run put its first request.
    first_share: Option<f64>,
}

impl Progress {
    /// Of a simulation of which so many events are done already; `is_quiet` tells nothing.
    pub(crate) fn new(plan: &Plan, events_before: u64, is_quiet: bool) -> Progress {
        Progress::of(plan, events_before, !is_quiet, !is_quiet)
    }

    /// On a terminal alone.
    pub(crate) fn bar_only(plan: &Plan) -> Progress {
        Progress::of(plan, 0, true, false)
    }

    fn of(plan: &Plan, events_before: u64, may_draw: bool, may_write: bool) -> Progress {
        let is_terminal = std::io::stderr().is_terminal();
        let target = match may_draw && is_terminal {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(STEPS), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
            bar.set_style(style);
        }
        let now = Instant::now();
        let state = State {
            started: now,
            told: now,
            start_ms: plan.start_unix_ms(),
            days: plan.days,
            events_max: plan.events,
            events_before,
            events: 0,
            items: 0,
            at_ms: plan.start_unix_ms(),
            first_share: None,
        };
        Progress {
            shared: Arc::new(Mutex::new(state)),
            bar,
            writes_lines: may_write && !is_terminal,
        }
    }

    /// Requests of an earlier run are passed over.
    pub(crate) fn passing(&self, requests: u64) {
        if requests > 0 && self.state().first_share.is_none() {
            self.bar
                .set_message(format!("passing over {requests} requests that are done"));
        }
    }

    /// A request of that time goes out.
    pub(crate) fn at(&self, at_ms: u64) {
        let mut state = self.state();
        state.at_ms = state.at_ms.max(at_ms);
        let share = state.share();
        if state.first_share.is_none() {
            state.first_share = Some(share);
            state.started = Instant::now();
        }
    }

    /// So many are done.
    pub(crate) fn add(&self, events: u64, items: u64) {
        let mut state = self.state();
        state.events += events;
        state.items += items;
        if self.writes_lines && state.told.elapsed() >= LINE_EVERY {
            state.told = Instant::now();
            // With standard error gone there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "simulate: {}", state.line());
        } else if !self.bar.is_hidden() {
            self.bar.set_position((state.share() * STEPS as f64) as u64);
            self.bar.set_message(state.line());
        }
    }

    /// Items done in this run, and since when.
    pub(crate) fn done(&self) -> (u64, u64, Duration) {
        let state = self.state();
        (state.events, state.items, state.started.elapsed())
    }

    /// Nothing more is told.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How far the simulation is, from 0 to 1: by its days, or by its events where they end it.
    fn share(&self) -> f64 {
        let passed_ms = self.at_ms.saturating_sub(self.start_ms) as f64;
        let by_time = passed_ms / (self.days.max(1) * DAY_MS) as f64;
        let done = (self.events_before + self.events) as f64;
        let by_events = self.events_max.map_or(0.0, |max| done / max.max(1) as f64);
        by_time.max(by_events).min(1.0)
    }

    fn line(&self) -> String {
        let elapsed = self.started.elapsed().as_secs_f64();
        let rate = self.events as f64 / elapsed.max(1e-3);
        let day = self.at_ms.saturating_sub(self.start_ms) / DAY_MS + 1;
        let (share, first) = (self.share(), self.first_share.unwrap_or(0.0));
        let left = match share > first && elapsed > 1.0 {
            true => {
                let seconds = elapsed * (1.0 - share) / (share - first);
                format!(", about {} left", plain_time(seconds))
            }
            false => String::new(),
        };
        format!(
            "day {} of {}, {} events, {rate:.0} a second{left}",
            day.min(self.days),
            self.days,
            self.events_before + self.events
        )
    }
}

/// `3 h 5 min`, `4 min 10 s`, `12 s`
pub(crate) fn plain_time(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_plain() {
        for (seconds, expected) in [
            (-1.0, "0 s"),
            (12.4, "12 s"),
            (250.0, "4 min 10 s"),
            (11_100.0, "3 h 5 min"),
        ] {
            assert_eq!(plain_time(seconds), expected);
        }
    }
}
