//! The table, and the floors.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use testkit::Problem;

use crate::archive::Archive;
use crate::arguments::Arguments;
use crate::intake::Measured;
use crate::question::Took;

const FLOOR_EVENTS_PER_CORE_SECOND: f64 = 60_000.0;
const FLOOR_BYTES_PER_EVENT: f64 = 25.0;
const FLOOR_QUESTION: Duration = Duration::from_secs(1);
const FLOOR_MEMORY_BYTES: u64 = 1 << 30;
const FLOOR_DEMO: Duration = Duration::from_secs(10);

const ABOUT: &str = "\
# Benchmarks

Written by `cargo xtask bench --write`. The load comes from the generator in `crates/fleet`, over
sockets, to the real binary with its default settings; every request is answered after its journal
frame is fsynced. Events per core are what one core of the server acknowledges in a second of its own
CPU time (user and kernel), flushes that fall into that time included: that figure survives a busy
machine, the one by the clock does not, for server and load share the cores. Every answer is checked
against what the generator says is true.

For comparison, on the same kind of machine (2 cores) and load (2.1.45): VictoriaLogs takes 18,500
events a second per server core and 38 bytes an event on disk, and is not durable when it
acknowledges; a typed table as Parquet with zstd takes 30.2 bytes an event.

What `tallybook simulate` takes to store ten million events without a server is in [simulate.md](simulate.md).
";

/// All figures.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) intake: Vec<Measured>,
    pub(crate) archives: Vec<Archive>,
    pub(crate) demo: Duration,
}

impl Report {
    /// Everything as Markdown, floors first.
    pub(crate) fn markdown(&self, arguments: &Arguments) -> String {
        let mut out = format!(
            "{ABOUT}\nThis run: {} events, {}.\n",
            arguments.events,
            this_machine()
        );
        out.push_str("\n## Floors\n\n| Floor | Measured | |\n|---|---|---|\n");
        for (floor, measured, is_met) in self.floors() {
            let verdict = if is_met { "PASS" } else { "FAIL" };
            // Writing to a text does not fail.
            let _ = writeln!(out, "| {floor} | {measured} | {verdict} |");
        }
        self.write_intake(&mut out);
        for archive in &self.archives {
            write_archive(&mut out, archive);
        }
        out
    }

    /// Questions that were not answered.
    pub(crate) fn unanswered(&self) -> usize {
        let answers = self.archives.iter().flat_map(|archive| &archive.answers);
        answers
            .filter(|answer| answer.hot.is_err() || answer.cold.is_err())
            .count()
    }

    fn floors(&self) -> Vec<(String, String, bool)> {
        let mut floors = Vec::new();
        let large =
            |measured: &&Measured| measured.batch == 500 && measured.lane == "HTTP protobuf";
        for measured in self.intake.iter().filter(large) {
            let found = measured.seen.events_per_core_second();
            floors.push((
                format!(
                    "{}: ≥ 60,000 events/s per server core",
                    measured.client.cli()
                ),
                thousands(found as u64),
                found >= FLOOR_EVENTS_PER_CORE_SECOND,
            ));
        }
        for archive in &self.archives {
            let client = archive.client.cli();
            let bytes = archive.bytes_per_event();
            let is_met = bytes <= FLOOR_BYTES_PER_EVENT;
            floors.push((
                format!("{client}: ≤ 25 bytes/event"),
                format!("{bytes:.1}"),
                is_met,
            ));
            for answer in &archive.answers {
                let floor = format!("{client}: {} < 1 s", answer.what);
                let is_met = answer.hot.as_ref().is_ok_and(|hot| *hot < FLOOR_QUESTION);
                floors.push((floor, took(&answer.hot), is_met));
            }
            let peak = archive
                .peak_memory_intake
                .max(archive.peak_memory_questions);
            let is_met = peak < FLOOR_MEMORY_BYTES;
            floors.push((format!("{client}: server < 1 GiB"), mebibytes(peak), is_met));
        }
        let demo = (
            "demo filled < 10 s".to_owned(),
            millis(self.demo),
            self.demo < FLOOR_DEMO,
        );
        floors.push(demo);
        floors
    }

    fn write_intake(&self, out: &mut String) {
        out.push_str(
            "\n## Intake\n\n| Client | Over | Batch | Events/s per server core | µs/event | \
             Events/s by the clock | Ack p50 | Ack p99 | Shed | Peak memory |\n\
             |---|---|---|---|---|---|---|---|---|---|\n",
        );
        for measured in &self.intake {
            let seen = &measured.seen;
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {:.1} | {} | {} | {} | {} | {} |",
                measured.client.cli(),
                measured.lane,
                measured.batch,
                thousands(seen.events_per_core_second() as u64),
                1e6 / seen.events_per_core_second(),
                thousands(seen.events_per_second() as u64),
                millis(seen.latency(0.5)),
                millis(seen.latency(0.99)),
                seen.shed,
                mebibytes(measured.peak_memory),
            );
        }
    }
}

fn write_archive(out: &mut String, archive: &Archive) {
    let seen = &archive.seen;
    let events = seen.events;
    let per_event = |bytes: u64| bytes as f64 / events as f64;
    let _ = writeln!(
        out,
        "\n## {} events of {}\n",
        thousands(events),
        archive.client.cli()
    );
    let _ = writeln!(out, "| | |\n|---|---|");
    let mut row = |name: &str, value: String| {
        let _ = writeln!(out, "| {name} | {value} |");
    };
    row(
        "request bytes an event",
        format!("{:.0}", per_event(seen.body_bytes)),
    );
    row(
        "events/s per server core",
        thousands(seen.events_per_core_second() as u64),
    );
    let to_parts = archive.cpu_to_parts.as_secs_f64() * 1e6 / events as f64;
    row("server CPU to parts, µs/event", format!("{to_parts:.1}"));
    row(
        "events/s by the clock",
        thousands(seen.events_per_second() as u64),
    );
    let (p50, p99) = (millis(seen.latency(0.5)), millis(seen.latency(0.99)));
    row("acknowledged, p50 and p99", format!("{p50}, {p99}"));
    row("shed", seen.shed.to_string());
    row(
        "bytes an event, all files",
        format!("{:.2}", archive.bytes_per_event()),
    );
    row(
        "bytes an event, parts",
        format!("{:.2}", archive.part_bytes_per_event()),
    );
    for (folder, bytes) in &archive.folders {
        row(
            &format!("{folder}/"),
            format!("{bytes} bytes, {:.2} an event", per_event(*bytes)),
        );
    }
    row("part files", archive.parts.to_string());
    row("peak memory, intake", mebibytes(archive.peak_memory_intake));
    row(
        "peak memory, questions",
        mebibytes(archive.peak_memory_questions),
    );
    row("start on this data", millis(archive.start));
    let cache = if archive.is_cache_dropped {
        "new process, page cache dropped"
    } else {
        "new process, page cache warm"
    };
    let _ = writeln!(out, "\n| Question | Hot | Cold ({cache}) |\n|---|---|---|");
    for answer in &archive.answers {
        let (hot, cold) = (took(&answer.hot), took(&answer.cold));
        let _ = writeln!(out, "| {} | {hot} | {cold} |", answer.what);
    }
}

/// Puts the figures where the project keeps them: into this file of its guides.
pub(crate) fn write(name: &str, text: &str) -> Result<(), Problem> {
    let docs = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
    std::fs::create_dir_all(&docs)?;
    Ok(std::fs::write(docs.join(name), text)?)
}

/// When and on what a run was, for whoever compares its figures.
pub(crate) fn this_machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let date = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    let date = date.map_or_else(
        |_| String::new(),
        |said| String::from_utf8_lossy(&said.stdout).trim().to_owned(),
    );
    format!("{date}, {cores} cores")
}

fn took(took: &Took) -> String {
    match took {
        Ok(duration) => millis(*duration),
        Err(said) => format!("not answered: {said}"),
    }
}

pub(crate) fn millis(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1e3;
    match millis < 10.0 {
        true => format!("{millis:.2} ms"),
        false => format!("{} ms", thousands(millis.round() as u64)),
    }
}

pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", thousands(bytes >> 20))
}

pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(millis(Duration::from_micros(1234)), "1.23 ms");
        assert_eq!(millis(Duration::from_millis(12_345)), "12,345 ms");
    }
}
