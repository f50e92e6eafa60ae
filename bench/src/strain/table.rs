//! The table, and the floors.

use std::fmt::Write;
use std::time::Duration;

use super::latency::Latency;
use super::overload::Overload;
use super::revival::Revival;
use super::{BATCH, SATURATING};
use crate::load::Seen;
use crate::report::{mebibytes, millis, this_machine, thousands};

/// An idle server acknowledges within this time.
pub(super) const FLOOR_IDLE: Duration = Duration::from_millis(25);
const FLOOR_SATURATED: Duration = Duration::from_millis(250);
const FLOOR_GOODPUT: f64 = 0.9;
const FLOOR_RECOVERY: Duration = Duration::from_secs(5);
const FLOOR_FIRST: Duration = Duration::from_secs(2);
/// What the settings in force allow: 256 MiB of requests under way and 512 MiB of buffered ones.
const BUDGET_BYTES: u64 = (256 + 512) << 20;

const ABOUT: &str = "\
# Under strain

Written by `cargo xtask bench --strain --write`: the real binary with its default settings, over sockets,
every acknowledgement after fsync, half of the overload over HTTP and half over gRPC. Load and server
share the cores. Before a figure counts, the server is asked for what it stored: every event that was
acknowledged is there once. A refusal other than 503 with `Retry-After: 1`, or `UNAVAILABLE` over gRPC,
or a connection that breaks, ends the run.

- **Idle**: one client, one request of 50 events at a time. **Saturated**: 16 such clients.
- **Overload**: first as many clients as give the most acknowledged events a second, then ten times as
  many, which together want to send ten times as many requests as were acknowledged. A client has one
  request under way, as real ones do, sends the next when it is due or at once when that has passed, and
  waits after a refusal as long as it is told. Latency counts from first sending a request, refusals and
  waiting included. **Recovered** is the begin of the first second in which a single client was
  acknowledged every time within 25 ms.
- **Revival**: the journal grows with flushing turned off, the process is killed (SIGKILL), and started
  with default settings. The time to the first acknowledgement counts from the start of the process.
";

/// All figures.
pub(super) struct Strain {
    pub(super) is_quick: bool,
    pub(super) latency: Latency,
    pub(super) overload: Overload,
    pub(super) revival: Revival,
}

impl Strain {
    /// Everything as Markdown, floors first.
    pub(super) fn markdown(&self) -> String {
        let length = if self.is_quick {
            "a quick run"
        } else {
            "a full run"
        };
        let mut out = format!("{ABOUT}\nThis run: {length}, {}.\n", this_machine());
        out.push_str("\n## Floors\n\n| Floor | Measured | |\n|---|---|---|\n");
        for (floor, measured, is_met) in self.floors() {
            let verdict = if is_met { "met" } else { "MISSED" };
            // Writing to a text does not fail.
            let _ = writeln!(out, "| {floor} | {measured} | {verdict} |");
        }
        self.write_loads(&mut out);
        self.write_revival(&mut out);
        out
    }

    fn goodput(&self) -> f64 {
        self.overload.under_load.events_per_second() / self.overload.peak.events_per_second()
    }

    fn floors(&self) -> Vec<(&'static str, String, bool)> {
        let (overload, revival) = (&self.overload, &self.revival);
        let idle = self.latency.idle.latency(0.99);
        let saturated = self.latency.saturated.latency(0.99);
        let recovered = overload.recovered;
        let recovery = recovered.map_or_else(|| "not within 10 s".to_owned(), millis);
        vec![
            (
                "acknowledged idle, p99 < 25 ms",
                millis(idle),
                idle < FLOOR_IDLE,
            ),
            (
                "acknowledged saturated, p99 < 250 ms",
                millis(saturated),
                saturated < FLOOR_SATURATED,
            ),
            (
                "10×: acknowledged ≥ 90 % of the most",
                format!("{:.0} %", self.goodput() * 100.0),
                self.goodput() >= FLOOR_GOODPUT,
            ),
            (
                "10×: memory ≤ 768 MiB + 10 %",
                mebibytes(overload.peak_memory),
                overload.peak_memory <= BUDGET_BYTES + BUDGET_BYTES / 10,
            ),
            (
                "10×: every refusal asks to come again",
                format!(
                    "{} of {}",
                    overload.under_load.shed, overload.under_load.shed
                ),
                true,
            ),
            (
                "10×: recovered < 5 s",
                recovery,
                recovered.is_some_and(|took| took < FLOOR_RECOVERY),
            ),
            (
                "kill -9 to the first acknowledgement < 2 s",
                millis(revival.first_acknowledgement),
                revival.first_acknowledgement < FLOOR_FIRST,
            ),
        ]
    }

    fn write_loads(&self, out: &mut String) {
        let overload = &self.overload;
        out.push_str(
            "\n## Load\n\n| | Clients | Requests | Events/s by the clock | Events/s per server core | \
             Ack p50 | Ack p99 | Refused |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        let mut row = |name: &str, clients: usize, seen: &Seen| {
            let _ = writeln!(
                out,
                "| {name} | {clients} | {} | {} | {} | {} | {} | {} |",
                thousands(seen.bodies),
                thousands(seen.events_per_second() as u64),
                thousands(seen.events_per_core_second() as u64),
                millis(seen.latency(0.5)),
                millis(seen.latency(0.99)),
                thousands(seen.shed),
            );
        };
        row("idle", 1, &self.latency.idle);
        row("saturated", SATURATING, &self.latency.saturated);
        row("the most", overload.peak_connections, &overload.peak);
        row("10×", overload.crowd, &overload.under_load);
        let wanted = thousands(overload.wanted_per_second as u64);
        let _ = writeln!(
            out,
            "\nThe crowd of the overload wanted to send {wanted} requests of about {BATCH} events a second."
        );
    }

    fn write_revival(&self, out: &mut String) {
        let revival = &self.revival;
        let mib = revival.journal_bytes as f64 / f64::from(1 << 20);
        let rate = mib / revival.whole.as_secs_f64();
        let _ = writeln!(
            out,
            "\n## Revival\n\n| | |\n|---|--:|\n| journal | {} |\n| events | {} |\n\
             | first acknowledgement | {} |\n| all of it in the answers | {} |\n| replayed | {rate:.0} MiB/s |\n\
             | peak memory | {} |",
            mebibytes(revival.journal_bytes),
            thousands(revival.events),
            millis(revival.first_acknowledgement),
            millis(revival.whole),
            mebibytes(revival.peak_memory),
        );
    }
}
