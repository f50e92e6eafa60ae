//! `cargo xtask planted-bugs`: breaks a copy of the source in every way of `bugs/*.patch` and sees that
//! the simulation notices.
//!
//! The copy holds the crates that the simulation is made of and nothing else, so that a bug costs the
//! compilation of two or three small crates. The source itself is never touched.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer tool speaks to a terminal"
)]

use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const USAGE: &str = "\
Plants each bug of tests/simulation/bugs in a copy of the source, and runs the simulation.

Usage: cargo xtask planted-bugs [OPTIONS]

  --only NAME   this bug (may be given again)
  --quick       500 seeds a bug instead of 10000
";

/// What the simulation is made of.
const CRATES: [&str; 6] = [
    "crates/base",
    "crates/contract",
    "crates/journal",
    "crates/otlp",
    "crates/store",
    "tests/simulation",
];
/// A life that hangs is not a bug that was noticed.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// What the simulation prints is short.
const PRINTED_MAX: u64 = 1 << 20;

struct Options {
    only: Vec<String>,
    seeds: u64,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprint!("{problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(survivors) => {
            println!("{survivors} bugs were not noticed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("planted-bugs: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Nothing when only help is wanted.
fn options(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options {
        only: Vec::new(),
        seeds: 10_000,
    };
    while let Some(name) = arguments.next() {
        match name.as_str() {
            "--help" | "-h" => return Ok(None),
            "--quick" => options.seeds = 500,
            "--only" => {
                let bug = arguments.next().ok_or("--only needs the name of a bug")?;
                options.only.push(bug);
            }
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(Some(options))
}

/// Prints the table; returns how many bugs were not noticed.
fn run(options: &Options) -> Result<usize, String> {
    let bench = Bench::new()?;
    let bugs = bugs(&bench.root, &options.only)?;
    if let Some(failure) = bench.verdict(options.seeds.min(200))? {
        return Err(format!("the simulation fails without a bug: {failure}"));
    }
    println!("| bug | what is broken | noticed by |\n|---|---|---|");
    let mut survivors = 0;
    for bug in &bugs {
        let noticed = bench.with(bug, || bench.verdict(options.seeds))?;
        survivors += usize::from(noticed.is_none());
        let noticed = noticed.unwrap_or_else(|| "**nothing**".to_owned());
        println!("| {} | {} | {noticed} |", bug.name, bug.description);
        io::stdout().flush().map_err(|error| error.to_string())?;
    }
    println!("\n{} bugs, {} noticed", bugs.len(), bugs.len() - survivors);
    Ok(survivors)
}

struct Bug {
    name: String,
    description: String,
    patch: PathBuf,
}

fn bugs(root: &Path, only: &[String]) -> Result<Vec<Bug>, String> {
    let folder = root.join("tests/simulation/bugs");
    let mut bugs = Vec::new();
    for entry in fs::read_dir(&folder).map_err(told(&folder))? {
        let patch = entry.map_err(told(&folder))?.path();
        let text = fs::read_to_string(&patch).map_err(told(&patch))?;
        let name = patch.file_stem().unwrap_or_default();
        bugs.push(Bug {
            name: name.to_string_lossy().into_owned(),
            description: text.lines().next().unwrap_or_default().to_owned(),
            patch,
        });
    }
    bugs.sort_by(|one, other| one.name.cmp(&other.name));
    if let Some(unknown) = only
        .iter()
        .find(|name| !bugs.iter().any(|bug| bug.name == **name))
    {
        return Err(format!("there is no bug {unknown} in {}", folder.display()));
    }
    bugs.retain(|bug| only.is_empty() || only.contains(&bug.name));
    Ok(bugs)
}

/// The copy, and where it is built.
struct Bench {
    root: PathBuf,
    copy: PathBuf,
    target: PathBuf,
}

impl Bench {
    fn new() -> Result<Bench, String> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = here.canonicalize().map_err(told(&here))?;
        let base = std::env::var_os("CARGO_TARGET_DIR");
        let base = base.map_or_else(|| root.join("target"), PathBuf::from);
        let bench = Bench {
            copy: base.join("planted-bugs/source"),
            target: base.join("planted-bugs/target"),
            root,
        };
        bench.copy_source()?;
        Ok(bench)
    }

    /// Files that are as they were keep their time, so that cargo builds what changed.
    fn copy_source(&self) -> Result<(), String> {
        for folder in CRATES {
            copy_folder(&self.root.join(folder), &self.copy.join(folder))?;
        }
        for file in ["Cargo.lock", "rust-toolchain.toml"] {
            copy_file(&self.root.join(file), &self.copy.join(file))?;
        }
        let manifest = self.root.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).map_err(told(&manifest))?;
        let members = CRATES.map(|folder| format!("\"{folder}\"")).join(", ");
        let kept = text
            .lines()
            .filter(|line| !line.starts_with("default-members"))
            .map(|line| match line.starts_with("members") {
                true => format!("members = [{members}]"),
                false => line.to_owned(),
            });
        let text = kept.collect::<Vec<_>>().join("\n") + "\n";
        write_if_changed(&self.copy.join("Cargo.toml"), text.as_bytes())
    }

    /// Does something with a bug planted, and takes it out again.
    fn with<T>(&self, bug: &Bug, work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        self.apply(bug, &[])?;
        let outcome = work().map_err(|error| format!("{}: {error}", bug.name));
        self.apply(bug, &["--reverse"])?;
        outcome
    }

    fn apply(&self, bug: &Bug, options: &[&str]) -> Result<(), String> {
        let mut command = Command::new("git");
        command.args(["apply", "--whitespace=nowarn"]).args(options);
        command.arg(&bug.patch).current_dir(&self.copy);
        // The copy may lie in a folder that a repository ignores: git must not look for one.
        command.env("GIT_CEILING_DIRECTORIES", &self.copy);
        succeed(&mut command)
    }

    /// What the simulation has noticed, if anything.
    fn verdict(&self, seeds: u64) -> Result<Option<String>, String> {
        let mut build = Command::new("cargo");
        build.args(["build", "--release", "--offline", "--quiet"]);
        build.args(["--package", "simulation", "--bin", "simulation"]);
        build.current_dir(&self.copy);
        build.env("CARGO_TARGET_DIR", &self.target);
        build.env("RUSTFLAGS", "--cap-lints=allow");
        succeed(&mut build)?;
        let mut child = Command::new(self.target.join("release/simulation"))
            .args(["--seeds", &seeds.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("the simulation does not start: {error}"))?;
        let stdout = child
            .stdout
            .take()
            .ok_or("the simulation cannot be heard")?;
        let (sender, printed) = mpsc::sync_channel(1);
        let listening = thread::spawn(move || {
            let lines = io::BufReader::new(stdout.take(PRINTED_MAX)).lines();
            // Nobody waits for it any more when the simulation was ended.
            let _ = sender.send(lines.map_while(Result::ok).collect::<Vec<_>>());
        });
        let lines = printed.recv_timeout(PATIENCE);
        if lines.is_err() {
            child.kill().map_err(|error| error.to_string())?;
        }
        let status = child.wait().map_err(|error| error.to_string())?;
        listening.join().map_err(|_| "listening panicked")?;
        let Ok(lines) = lines else {
            return Ok(None);
        };
        if status.success() {
            return Ok(None);
        }
        let first = lines.iter().find(|line| line.starts_with("seed "));
        let first = first.ok_or_else(|| format!("the simulation ended with {status}"))?;
        Ok(Some(first.replace('|', "\\|")))
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(told(to))?;
    let mut kept = Vec::new();
    for entry in fs::read_dir(from).map_err(told(from))? {
        let entry = entry.map_err(told(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            copy_file(&source, &target)?;
        }
        kept.push(target);
    }
    // What an earlier run copied and is no longer there.
    for entry in fs::read_dir(to).map_err(told(to))? {
        let path = entry.map_err(told(to))?.path();
        if !kept.contains(&path) {
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.map_err(told(&path))?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<(), String> {
    let bytes = fs::read(from).map_err(told(from))?;
    write_if_changed(to, &bytes)
}

fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    fs::write(path, bytes).map_err(told(path))
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?} does not start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} fails: {said}"))
}

fn told(path: &Path) -> impl FnOnce(io::Error) -> String {
    let path = path.display().to_string();
    move |error| format!("{path}: {error}")
}
