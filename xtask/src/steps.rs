//! What each step of the check runs, and the commands that rebuild generated files.

use std::fs;

use crate::install;
use crate::snapshot::Snapshot;
use crate::workspace::{self, Workspace};

const OPENAPI: &str = "docs/openapi.json";

pub(crate) fn fmt(workspace: &Workspace) -> Result<(), String> {
    workspace.cargo(&["fmt", "--all", "--check"])
}

/// Warnings are refused.
pub(crate) fn clippy(workspace: &Workspace) -> Result<(), String> {
    workspace.cargo(&[
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])
}

/// A test runs the guide's recipes for hooks, which need jq.
///
/// The release profile on purpose: one profile serves demo, tests and benchmark, so that `DataFusion`
/// is compiled once. Every test binary runs, also after one that failed.
pub(crate) fn test(workspace: &Workspace) -> Result<(), String> {
    install::jq(workspace)?;
    workspace.cargo(&["test", "--release", "--workspace", "--no-fail-fast"])
}

/// The tables of truth against answers: of the simulated organisation, and of the recorded requests.
/// They are tests, so a difference is a failure.
pub(crate) fn truth(workspace: &Workspace) -> Result<(), String> {
    workspace.cargo(&[
        "test",
        "--release",
        "--workspace",
        "--test",
        "answers",
        "--",
        "truth::thirty_days",
        "usage::usage_is_the_clients_ledger",
        "--nocapture",
        "--test-threads=1",
    ])
}

/// The types of the API as the front end has them, made of its committed description.
const SCHEMA: &str = "web/src/api/schema.d.ts";

/// Front-end types and tests, and the committed `web/dist` against a rebuilt one, byte for byte.
pub(crate) fn web(workspace: &Workspace) -> Result<(), String> {
    npm_install(workspace)?;
    let schema = || fs::read(workspace.root.join(SCHEMA)).unwrap_or_default();
    let committed = schema();
    npm(workspace, &["run", "types"])?;
    if committed != schema() {
        return Err(format!(
            "{SCHEMA} is not what {OPENAPI} makes; commit what `cargo xtask openapi` writes"
        ));
    }
    npm(workspace, &["run", "check"])?;
    npm(workspace, &["test"])?;
    let folder = workspace.root.join("web/dist");
    let before = Snapshot::of(&folder)?;
    npm(workspace, &["run", "build"])?;
    let differences = before.differences(&Snapshot::of(&folder)?);
    if differences.is_empty() {
        return Ok(());
    }
    Err(format!(
        "web/dist is not what web/src builds; commit what `cargo xtask web` makes:\n  {}",
        differences.join("\n  ")
    ))
}

/// Rebuilds `web/dist`.
pub(crate) fn web_build(workspace: &Workspace) -> Result<(), String> {
    npm_install(workspace)?;
    npm(workspace, &["run", "build"])
}

/// The browser test against the real binary, filled from the recorded requests.
pub(crate) fn browser(workspace: &Workspace) -> Result<(), String> {
    let chromium = install::chromium(workspace)?;
    npm_install(workspace)?;
    build_tallybook(workspace)?;
    let mut command = workspace.command("npm", &["run", "e2e"], "web");
    command.env("TALLYBOOK_BIN", workspace.tallybook());
    command.env(
        "CAPTURES_DIR",
        workspace.root.join("crates/testkit/captures"),
    );
    command.env("CHROMIUM", chromium);
    workspace::run(command)
}

/// The API's committed description is what the binary says it is.
pub(crate) fn docs(workspace: &Workspace) -> Result<(), String> {
    let printed = openapi(workspace)?;
    let committed =
        fs::read(workspace.root.join(OPENAPI)).map_err(|error| format!("{OPENAPI}: {error}"))?;
    if committed == printed {
        return Ok(());
    }
    let line = first_differing_line(&committed, &printed);
    Err(format!(
        "{OPENAPI} is not what the binary prints, from line {line}; run `cargo xtask openapi`"
    ))
}

/// Rewrites the API's committed description, and the types that are made of it.
pub(crate) fn openapi_write(workspace: &Workspace) -> Result<(), String> {
    let printed = openapi(workspace)?;
    let path = workspace.root.join(OPENAPI);
    fs::write(&path, printed).map_err(|error| format!("{OPENAPI}: {error}"))?;
    println!("wrote {OPENAPI}");
    npm_install(workspace)?;
    npm(workspace, &["run", "types"])
}

/// The short form of the fault harness, against the real binary.
pub(crate) fn faults(workspace: &Workspace) -> Result<(), String> {
    tool(workspace, "faults", &["--short".to_owned()])
}

/// Runs a developer tool that starts the server as a process of its own, with the arguments given.
/// Tool and server are built from this source, and together with the whole workspace: a package built
/// alone asks for other features of its dependencies, and cargo would compile `DataFusion` once more.
pub(crate) fn tool(
    workspace: &Workspace,
    binary: &str,
    arguments: &[String],
) -> Result<(), String> {
    workspace.cargo(&["build", "--release", "--workspace", "--bins"])?;
    let program = workspace.binary(binary);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = workspace.command(&program.to_string_lossy(), &arguments, ".");
    command.env("TALLYBOOK_BIN", workspace.tallybook());
    workspace::run(command)
}

fn openapi(workspace: &Workspace) -> Result<Vec<u8>, String> {
    build_tallybook(workspace)?;
    workspace.output(&workspace.tallybook().to_string_lossy(), &["openapi"])
}

fn build_tallybook(workspace: &Workspace) -> Result<(), String> {
    workspace.cargo(&["build", "--release", "--package", "tallybook"])
}

fn npm_install(workspace: &Workspace) -> Result<(), String> {
    if workspace.npm_installed.get() {
        return Ok(());
    }
    install::node(workspace)?;
    npm(workspace, &["ci", "--no-audit", "--no-fund"])?;
    workspace.npm_installed.set(true);
    Ok(())
}

fn npm(workspace: &Workspace, arguments: &[&str]) -> Result<(), String> {
    let folder = workspace.root.join("web");
    if !folder.join("package-lock.json").is_file() {
        return Err("web/package-lock.json does not exist".to_owned());
    }
    let mut command = workspace.command("npm", arguments, "web");
    // The browser comes from the system; a test library must not fetch another.
    command.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    workspace::run(command)
}

fn first_differing_line(left: &[u8], right: &[u8]) -> usize {
    let same = left
        .iter()
        .zip(right)
        .take_while(|(left, right)| left == right);
    1 + same.filter(|(byte, _)| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::first_differing_line;

    #[test]
    fn the_first_differing_line_is_named() {
        assert_eq!(first_differing_line(b"a\nb\nc", b"a\nb\nd"), 3);
        assert_eq!(first_differing_line(b"a", b"b"), 1);
        assert_eq!(first_differing_line(b"a\n", b"a\nb"), 2);
    }
}
