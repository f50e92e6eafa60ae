//! Where the workspace is, and how commands run in it.

use std::cell::Cell;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The workspace a task works on.
pub(crate) struct Workspace {
    /// The folder with the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo builds, absolute.
    pub(crate) target: PathBuf,
    /// Put before `PATH` for every command: tools installed by `install.rs`.
    pub(crate) tool_path: Cell<Option<PathBuf>>,
    /// `npm ci` is run once in a process, by whichever step needs it first.
    pub(crate) npm_installed: Cell<bool>,
}

/// Whether this run is a CI run, where nothing may be left out.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| matches!(value.as_str(), "true" | "1"))
}

impl Workspace {
    /// Finds the workspace upwards from the manifest cargo names, else from the current folder.
    pub(crate) fn find() -> Result<Self, String> {
        let here =
            std::env::current_dir().map_err(|error| format!("no current folder: {error}"))?;
        let start =
            std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| here.clone(), PathBuf::from);
        let root = start
            .ancestors()
            .find(|folder| folder.join("xtask/Cargo.toml").is_file())
            .ok_or_else(|| format!("{} is in no Tallybook workspace", start.display()))?
            .to_path_buf();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => here.join(folder),
            None => root.join("target"),
        };
        Ok(Self {
            root,
            target,
            tool_path: Cell::new(None),
            npm_installed: Cell::new(false),
        })
    }

    /// The release binary that demo, tests and benchmark share.
    pub(crate) fn tallybook(&self) -> PathBuf {
        self.binary("tallybook")
    }

    /// The release binary of that name.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    /// Where tools live that this workspace installs for itself.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// A command in `folder` (relative to the root).
    ///
    /// `cargo run` leaves the variables of xtask's own package in the environment; they are removed,
    /// because a build script that watches one of them would rebuild what a plain `cargo` had built.
    pub(crate) fn command(&self, program: &str, arguments: &[&str], folder: &str) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.root.join(folder));
        command.env("CARGO_TARGET_DIR", &self.target);
        for (name, _) in std::env::vars_os() {
            if is_own_package_variable(&name.to_string_lossy()) {
                command.env_remove(name);
            }
        }
        if let Some(path) = self.path_variable() {
            command.env("PATH", path);
        }
        command
    }

    fn path_variable(&self) -> Option<OsString> {
        let first = self.tool_path.take()?;
        self.tool_path.set(Some(first.clone()));
        let rest = std::env::var_os("PATH").unwrap_or_default();
        std::env::join_paths(std::iter::once(first).chain(std::env::split_paths(&rest))).ok()
    }

    /// Runs a command with its output on the terminal; an exit code other than 0 is an error.
    pub(crate) fn run(
        &self,
        program: &str,
        arguments: &[&str],
        folder: &str,
    ) -> Result<(), String> {
        run(self.command(program, arguments, folder))
    }

    /// `cargo` with these arguments, in the root.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Result<(), String> {
        self.run("cargo", arguments, ".")
    }

    /// What a command prints, its standard error left on the terminal.
    pub(crate) fn output(&self, program: &str, arguments: &[&str]) -> Result<Vec<u8>, String> {
        let mut command = self.command(program, arguments, ".");
        let shown = shown(&command);
        let output = command
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("`{shown}` did not start: {error}"))?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(format!("`{shown}` ended with {}", output.status))
        }
    }

    /// The first line a program prints for `--version`, or nothing when it cannot be run.
    pub(crate) fn version_of(&self, program: &str) -> Option<String> {
        let mut command = self.command(program, &["--version"], ".");
        let output = command
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output
            .status
            .success()
            .then(|| text.lines().next().unwrap_or_default().trim().to_owned())
    }
}

/// Runs a prepared command with its output on the terminal.
pub(crate) fn run(mut command: Command) -> Result<(), String> {
    let shown = shown(&command);
    println!("$ {shown}");
    // The child writes to the same terminal or pipe: what was said before must be there before it.
    std::io::stdout()
        .flush()
        .map_err(|error| format!("standard output: {error}"))?;
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("`{shown}` did not start: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{shown}` ended with {status}"))
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn is_own_package_variable(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
        || matches!(
            name,
            "CARGO_CRATE_NAME" | "CARGO_BIN_NAME" | "CARGO_PRIMARY_PACKAGE"
        )
}
