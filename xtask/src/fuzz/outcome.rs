//! What libFuzzer said of a target, and the table of it.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace::Workspace;

const GUIDE: &str = "docs/fuzzing.md";
/// The guide's last heading: what follows it is written by `--write`.
const MEASURED: &str = "## Measured\n";
/// How much of the log is shown of a target that broke.
const SHOWN_LINES: usize = 12;

/// How one target went.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    target: String,
    is_fine: bool,
    executions: u64,
    edges: u64,
    inputs: u64,
    seconds: u64,
    peak_mib: u64,
    /// Inputs that broke something.
    broken: Vec<PathBuf>,
    /// What was said when it broke.
    said: String,
}

impl Outcome {
    /// Reads a target's log, and which inputs it kept as broken.
    pub(super) fn read(
        target: &str,
        is_fine: bool,
        log: &Path,
        broken: &Path,
    ) -> Result<Self, String> {
        let text = fs::read(log).map_err(|error| format!("{}: {error}", log.display()))?;
        let mut outcome = Self::of_log(target, &String::from_utf8_lossy(&text));
        let kept = fs::read_dir(broken).into_iter().flatten();
        outcome.broken = kept.filter_map(|entry| Some(entry.ok()?.path())).collect();
        // A slow input is kept without a failure.
        outcome.is_fine = is_fine;
        if !is_fine && outcome.broken.is_empty() {
            outcome
                .said
                .push_str(&format!("\n  the whole log: {}", log.display()));
        }
        Ok(outcome)
    }

    fn of_log(target: &str, log: &str) -> Self {
        let mut outcome = Self {
            target: target.to_owned(),
            ..Self::default()
        };
        for line in log.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let after = |name: &str| {
                let at = words.iter().position(|word| *word == name)?;
                words.get(at + 1)?.split('/').next()?.parse().ok()
            };
            match words[..] {
                [_, "DONE", ..] => {
                    outcome.edges = after("cov:").unwrap_or_default();
                    outcome.inputs = after("corp:").unwrap_or_default();
                }
                ["Done", executions, "runs", "in", seconds, ..] => {
                    outcome.executions = executions.parse().unwrap_or_default();
                    outcome.seconds = seconds.parse().unwrap_or_default();
                }
                ["stat::peak_rss_mb:", mib] => outcome.peak_mib = mib.parse().unwrap_or_default(),
                _ => {}
            }
        }
        let lines = log.lines();
        let from_panic =
            lines.skip_while(|line| !line.contains("panicked at") && !line.contains("ERROR:"));
        for line in from_panic.take(SHOWN_LINES) {
            let _ = write!(outcome.said, "\n  {line}");
        }
        outcome
    }

    pub(super) fn line(&self) -> String {
        let verdict = if self.is_fine { "ok" } else { "BROKEN" };
        format!(
            "{:<14} {verdict:<7} {:>10} executions, {:>6} edges, {:>4} s, at most {} MiB",
            self.target, self.executions, self.edges, self.seconds, self.peak_mib
        )
    }

    /// What broke and how to see it again; nothing of a target that did not break.
    pub(super) fn complaint(&self) -> Option<String> {
        if self.is_fine {
            return None;
        }
        let mut text = format!("target `{}` broke:{}", self.target, self.said);
        for path in &self.broken {
            let (target, path) = (&self.target, path.display());
            let _ = write!(
                text,
                "\n  kept: {path}\n  again: cargo xtask fuzz --target {target} --input {path}\n  \
                 when it is mended: move it to fuzz/regressions/{target}/"
            );
        }
        Some(text)
    }
}

/// All outcomes as Markdown.
pub(super) fn table(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "\n| target | executions | each second | edges | inputs kept | seconds | peak memory | broke |\n\
         |---|--:|--:|--:|--:|--:|--:|---|\n",
    );
    for outcome in outcomes {
        let rate = outcome.executions / outcome.seconds.max(1);
        let _ = writeln!(
            text,
            "| {} | {} | {rate} | {} | {} | {} | {} MiB | {} |",
            outcome.target,
            outcome.executions,
            outcome.edges,
            outcome.inputs,
            outcome.seconds,
            outcome.peak_mib,
            if outcome.is_fine { "nothing" } else { "yes" }
        );
    }
    let all: u64 = outcomes.iter().map(|outcome| outcome.executions).sum();
    let _ = writeln!(text, "\n{all} executions in all.");
    text
}

/// Writes the table, its date and its machine at the end of the guide.
pub(super) fn write(workspace: &Workspace, outcomes: &[Outcome]) -> Result<(), String> {
    let path = workspace.root.join(GUIDE);
    let said = |error: std::io::Error| format!("{GUIDE}: {error}");
    let guide = fs::read_to_string(&path).map_err(said)?;
    let (before, _) = guide
        .split_once(MEASURED)
        .ok_or_else(|| format!("{GUIDE} has no heading `{}`", MEASURED.trim_end()))?;
    let date = workspace.output("date", &["-u", "+%Y-%m-%d"])?;
    let date = String::from_utf8_lossy(&date);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let text = format!(
        "{before}{MEASURED}\nWritten by `cargo xtask fuzz --write` on {}, Linux, {cores} cores, one target a core.\n{}",
        date.trim(),
        table(outcomes)
    );
    fs::write(path, text).map_err(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: &str = "\
#449000\tpulse  cov: 900 ft: 3000 corp: 300/20Kb
#449324\tDONE   cov: 1234 ft: 5678 corp: 321/45Kb lim: 4096 exec/s: 28082 rss: 44Mb
Done 449324 runs in 16 second(s)
stat::peak_rss_mb:              44";

    #[test]
    fn the_log_of_a_run_is_read() {
        let outcome = Outcome::of_log("sql", FINE);
        let numbers = (
            outcome.executions,
            outcome.edges,
            outcome.inputs,
            outcome.seconds,
            outcome.peak_mib,
        );
        assert_eq!(numbers, (449_324, 1234, 321, 16, 44));
        assert!(table(&[outcome]).contains("| sql | 449324 | 28082 | 1234 | 321 | 16 | 44 MiB |"));
    }

    #[test]
    fn what_broke_is_said_with_the_way_to_see_it_again() {
        let mut outcome = Outcome::of_log("sql", "#1\nthread panicked at a.rs:1:\nodd\n");
        outcome.broken.push(PathBuf::from("broken/crash-1"));
        let complaint = outcome.complaint().expect("it broke");
        for part in [
            "a.rs:1",
            "odd",
            "--target sql --input broken/crash-1",
            "fuzz/regressions/sql/",
        ] {
            assert!(complaint.contains(part), "{complaint} lacks {part}");
        }
        outcome.is_fine = true;
        assert_eq!(outcome.complaint(), None);
    }
}
