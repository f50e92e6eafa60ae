//! `cargo xtask fuzz`: libFuzzer over the targets of `fuzz/`, on the pinned compiler.
//!
//! Invariant: a target that found something fails the command, and the input is kept and named with the
//! command that runs it again. Only the workspace's own crates are compiled with coverage
//! (`fuzz/instrument.sh`), so nothing else is compiled anew.
//!
//! | file | what is in it |
//! |---|---|
//! | `options.rs` | the command line |
//! | `outcome.rs` | what libFuzzer said, and the table of it |
//!
//! ```text
//! fuzz/corpus/<target>/         committed: where fuzzing starts
//! fuzz/regressions/<target>/    committed: what once broke something
//! fuzz/dictionaries/<target>    committed: words that a format knows
//! target/fuzz/<target>/found/   inputs that long runs found
//!                     /short/   the same of the latest short run
//!                     /broken/  inputs that broke something
//!                     /log      what libFuzzer said
//! ```

mod options;
mod outcome;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use crate::workspace::{self, Workspace};
use options::Task;
pub(crate) use options::{Options, USAGE};
use outcome::Outcome;

/// No target may take more memory than this, or longer than this for one input.
const RSS_MIB: u32 = 512;
const INPUT_SECONDS: u32 = 5;
/// Address space: an allocation of more than this fails at once, whether it is used or not.
const ADDRESS_SPACE_KIB: u32 = 4 << 20;

/// Builds the targets, and does what the options ask for.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<(), String> {
    let targets = chosen(workspace, options)?;
    build(workspace)?;
    match &options.task {
        Task::Run { seconds, is_short } => {
            let outcomes = fuzz_all(workspace, &targets, *seconds, *is_short)?;
            print!("{}", outcome::table(&outcomes));
            if options.write {
                outcome::write(workspace, &outcomes)?;
            }
            verdict(&outcomes)
        }
        Task::Input(path) => targets.iter().try_for_each(|target| {
            let mut command = binary(workspace, target);
            command.arg(path).env("RUST_BACKTRACE", "1");
            workspace::run(command)
        }),
        Task::SeedCorpus => targets
            .iter()
            .try_for_each(|target| seed(workspace, target)),
        Task::Absorb => targets.iter().try_for_each(|target| {
            let sources = [
                committed(workspace, "corpus", target),
                output(workspace, target, "found"),
            ];
            minimise(workspace, target, &sources)
        }),
    }
}

/// The targets are the folders of the corpus.
fn chosen(workspace: &Workspace, options: &Options) -> Result<Vec<String>, String> {
    let corpus = workspace.root.join("fuzz/corpus");
    let all = fs::read_dir(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    let names = all.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    if let Some(unknown) = options.targets.iter().find(|name| !names.contains(name)) {
        let known = names.join(", ");
        return Err(format!(
            "there is no target `{unknown}`; the targets are {known}"
        ));
    }
    names.retain(|name| options.targets.is_empty() || options.targets.contains(name));
    Ok(names)
}

/// With the whole workspace's features: with others, cargo would compile `DataFusion` once more.
fn build(workspace: &Workspace) -> Result<(), String> {
    let words = [
        "build",
        "--release",
        "--workspace",
        "--bin",
        "fuzz",
        "--features",
        "fuzz/libfuzzer",
    ];
    let mut command = workspace.command("cargo", &words, ".");
    let wrapper = workspace.root.join("fuzz/instrument.sh");
    command.env("RUSTC_WORKSPACE_WRAPPER", wrapper);
    workspace::run(command)
}

/// As many targets at a time as there are cores.
fn fuzz_all(
    workspace: &Workspace,
    targets: &[String],
    seconds: u32,
    is_short: bool,
) -> Result<Vec<Outcome>, String> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut outcomes = Vec::new();
    for some in targets.chunks(cores) {
        let mut running = Vec::new();
        for target in some {
            let (command, log) = fuzzing(workspace, target, seconds, is_short)?;
            running.push((target, start(command)?, log));
        }
        for (target, mut child, log) in running {
            let status = child.wait().map_err(|error| format!("{target}: {error}"))?;
            let outcome = Outcome::read(
                target,
                status.success(),
                &log,
                &output(workspace, target, "broken"),
            )?;
            println!("{}", outcome.line());
            outcomes.push(outcome);
        }
    }
    Ok(outcomes)
}

/// The command that fuzzes a target, and where it logs to.
fn fuzzing(
    workspace: &Workspace,
    target: &str,
    seconds: u32,
    is_short: bool,
) -> Result<(Command, PathBuf), String> {
    let found = output(workspace, target, if is_short { "short" } else { "found" });
    if is_short {
        // A short run starts from what is committed, the same everywhere.
        empty(&found)?;
    }
    make(&found)?;
    let broken = output(workspace, target, "broken");
    empty(&broken)?;
    let log = output(workspace, target, "log");
    let file = fs::File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let mut command = binary(workspace, target);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", broken.display()))
        .arg("-print_final_stats=1");
    let dictionary = workspace.root.join("fuzz/dictionaries").join(target);
    if dictionary.is_file() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    command.arg(found);
    // A target that nothing has broken yet has no folder of regressions: git keeps no empty ones.
    let inputs = ["corpus", "regressions"].map(|kind| committed(workspace, kind, target));
    command.args(inputs.iter().filter(|folder| folder.is_dir()));
    command.stdout(Stdio::null()).stderr(file);
    Ok((command, log))
}

/// The binary over one target, with its limits.
fn binary(workspace: &Workspace, target: &str) -> Command {
    let binary = workspace.binary("fuzz");
    let limited = format!("ulimit -v {ADDRESS_SPACE_KIB} && exec \"$0\" \"$@\"");
    let mut command = workspace.command("sh", &["-c", &limited, &binary.to_string_lossy()], ".");
    command
        .env("TALLYBOOK_FUZZ_TARGET", target)
        .env("RUST_BACKTRACE", "0")
        .arg(format!("-rss_limit_mb={RSS_MIB}"))
        .arg(format!("-timeout={INPUT_SECONDS}"));
    command
}

/// Writes the seeds of a target and keeps those that reach something new.
fn seed(workspace: &Workspace, target: &str) -> Result<(), String> {
    let seeds = output(workspace, target, "seeds");
    empty(&seeds)?;
    let mut command = binary(workspace, target);
    command.env("TALLYBOOK_FUZZ_SEEDS", &seeds);
    workspace::run(command)?;
    minimise(workspace, target, &[seeds])
}

/// Makes the committed corpus of a target the few inputs of these folders that reach all that they reach.
fn minimise(workspace: &Workspace, target: &str, sources: &[PathBuf]) -> Result<(), String> {
    let chosen = output(workspace, target, "chosen");
    empty(&chosen)?;
    let mut command = binary(workspace, target);
    command
        .args(["-set_cover_merge=1", "-verbosity=0"])
        .arg(&chosen);
    command.args(sources.iter().filter(|source| source.is_dir()));
    workspace::run(command)?;
    let corpus = committed(workspace, "corpus", target);
    empty(&corpus)?;
    let said = |error: std::io::Error| format!("{}: {error}", corpus.display());
    for entry in fs::read_dir(&chosen).map_err(said)? {
        let entry = entry.map_err(said)?;
        fs::copy(entry.path(), corpus.join(entry.file_name())).map_err(said)?;
    }
    Ok(())
}

fn start(mut command: Command) -> Result<std::process::Child, String> {
    command.stdin(Stdio::null());
    command
        .spawn()
        .map_err(|error| format!("the fuzzer did not start: {error}"))
}

fn committed(workspace: &Workspace, kind: &str, target: &str) -> PathBuf {
    workspace.root.join("fuzz").join(kind).join(target)
}

fn output(workspace: &Workspace, target: &str, what: &str) -> PathBuf {
    workspace.target.join("fuzz").join(target).join(what)
}

fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn empty(folder: &Path) -> Result<(), String> {
    if folder.is_dir() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    make(folder)
}

fn verdict(outcomes: &[Outcome]) -> Result<(), String> {
    let broken: Vec<String> = outcomes.iter().filter_map(Outcome::complaint).collect();
    if broken.is_empty() {
        return Ok(());
    }
    Err(broken.join("\n"))
}
