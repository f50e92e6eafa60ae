//! The tools a fresh machine lacks: cargo-deny, Node and npm, Chromium, jq, Prometheus, an SDK for Python.
//!
//! Each function finds the tool, or installs it and says so, or fails with what to do. Nothing is
//! ever skipped here: a step that cannot have its tool fails.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::workspace::{self, Workspace};

const CARGO_DENY: &str = "0.20.2";
const NODE_WANTED: &str = "20.19 or newer (22.12 or newer of the 22 line)";
/// What is fetched from the package registry where the distribution's Node is too old.
const NODE_PACKAGE: &str = "node@22";
const CHROMIUM_NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// The path of cargo-deny of the version this check is written for.
pub(crate) fn cargo_deny(workspace: &Workspace) -> Result<PathBuf, String> {
    let own = workspace.tools().join("bin/cargo-deny");
    let wanted = format!("cargo-deny {CARGO_DENY}");
    for candidate in [own.clone(), PathBuf::from("cargo-deny")] {
        if workspace.version_of(&candidate.to_string_lossy()).as_ref() == Some(&wanted) {
            return Ok(candidate);
        }
    }
    println!("cargo-deny {CARGO_DENY} is not here: building it once, which takes some minutes");
    let package = format!("cargo-deny@{CARGO_DENY}");
    let tools = workspace.tools();
    let arguments = [
        "install",
        "--locked",
        "--force",
        "--root",
        &tools.to_string_lossy(),
        &package,
    ];
    let mut command = workspace.command("cargo", &arguments, ".");
    // Built in a temporary folder that cargo removes: its objects are of no use to this workspace.
    command.env_remove("CARGO_TARGET_DIR");
    workspace::run(command)?;
    Ok(own)
}

/// Makes `node` and `npm` of a version the front end builds with available to later commands.
pub(crate) fn node(workspace: &Workspace) -> Result<(), String> {
    let own = workspace.tools().join("node/node_modules/node/bin");
    if own.join("node").is_file() {
        workspace.tool_path.set(Some(own.clone()));
    }
    if find("npm").is_none() {
        println!("npm is not here");
        apt(workspace, &["nodejs", "npm"]).map_err(|reason| {
            format!("the front end needs Node {NODE_WANTED} with npm, and {reason}")
        })?;
    }
    if let Some(version) = workspace
        .version_of("node")
        .filter(|version| is_wanted_node(version))
    {
        println!("node {version}");
        return Ok(());
    }
    let found = workspace
        .version_of("node")
        .unwrap_or_else(|| "none".to_owned());
    println!(
        "the front end needs Node {NODE_WANTED}, found {found}: fetching {NODE_PACKAGE} with npm"
    );
    let prefix = workspace.tools().join("node");
    let arguments = [
        "install",
        "--no-audit",
        "--no-fund",
        "--prefix",
        &prefix.to_string_lossy(),
        NODE_PACKAGE,
    ];
    workspace.run("npm", &arguments, ".")?;
    workspace.tool_path.set(Some(own));
    match workspace
        .version_of("node")
        .filter(|version| is_wanted_node(version))
    {
        Some(version) => {
            println!("node {version}");
            Ok(())
        }
        None => Err(format!(
            "the front end needs Node {NODE_WANTED}; install it and run this again"
        )),
    }
}

/// The path of a Chromium.
pub(crate) fn chromium(workspace: &Workspace) -> Result<PathBuf, String> {
    let find_any = || CHROMIUM_NAMES.into_iter().find_map(find);
    if find_any().is_none() {
        println!("Chromium is not here");
        // A page without any font has no text to test.
        apt(workspace, &["chromium", "fonts-dejavu-core"])
            .map_err(|reason| format!("the browser test needs Chromium, and {reason}"))?;
    }
    find_any().ok_or_else(|| "Chromium was installed and is not on the PATH".to_owned())
}

/// Makes sure that jq is on the `PATH`.
pub(crate) fn jq(workspace: &Workspace) -> Result<(), String> {
    if find("jq").is_some() {
        return Ok(());
    }
    println!("jq is not here");
    apt(workspace, &["jq"]).map_err(|reason| format!("the tests need jq, and {reason}"))
}

/// Prometheus' programs.
pub(crate) struct Prometheus {
    pub(crate) server: PathBuf,
    /// Its own checker.
    pub(crate) promtool: PathBuf,
}

/// Prometheus' programs. Debian's package is unpacked and not installed: installing it would start a
/// Prometheus on this machine.
pub(crate) fn prometheus(workspace: &Workspace) -> Result<Prometheus, String> {
    let folder = workspace.tools().join("prometheus");
    let own = Prometheus {
        server: folder.join("usr/bin/prometheus"),
        promtool: folder.join("usr/bin/promtool"),
    };
    let is_here = |own: &Prometheus| own.server.is_file() && own.promtool.is_file();
    if is_here(&own) {
        return Ok(own);
    }
    if let (Some(server), Some(promtool)) = (find("prometheus"), find("promtool")) {
        return Ok(Prometheus { server, promtool });
    }
    println!("Prometheus is not here: unpacking Debian's package");
    let failed = |reason: String| format!("the step needs prometheus and promtool, and {reason}");
    std::fs::create_dir_all(&folder).map_err(|error| failed(error.to_string()))?;
    let place = folder.to_string_lossy();
    let download = || workspace.run("apt-get", &["-qq", "download", "prometheus"], &place);
    if download().is_err() {
        apt(workspace, &[])
            .and_then(|()| download())
            .map_err(failed)?;
    }
    let unpack = "dpkg-deb --extract prometheus_*.deb . && rm prometheus_*.deb";
    workspace
        .run("sh", &["-c", unpack], &place)
        .map_err(failed)?;
    match is_here(&own) {
        true => Ok(own),
        false => Err(failed("Debian's package does not hold them".to_owned())),
    }
}

const REQUIREMENTS: &str = "crates/tallybook/tests/beside/requirements.txt";

/// A Python that has the OpenTelemetry SDK of the versions in `REQUIREMENTS`, in an environment of its
/// own.
pub(crate) fn python_sdk(workspace: &Workspace) -> Result<PathBuf, String> {
    let folder = workspace.tools().join("python-sdk");
    let python = folder.join("bin/python");
    let wanted = std::fs::read(workspace.root.join(REQUIREMENTS))
        .map_err(|error| format!("{REQUIREMENTS}: {error}"))?;
    // Written when all of it is there.
    let installed = folder.join("installed.txt");
    if std::fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    println!("the OpenTelemetry SDK for Python is not here: fetching it with pip");
    let failed = |reason: String| format!("the step needs Python with pip, and {reason}");
    let place = folder.to_string_lossy();
    let make = |python: &str| workspace.run(python, &["-m", "venv", "--clear", &place], ".");
    if find("python3").is_none() || make("python3").is_err() {
        // Debian's own Python, to which the package belongs, is perhaps not the first on the `PATH`.
        apt(workspace, &["python3", "python3-venv"])
            .and_then(|()| make("/usr/bin/python3"))
            .map_err(failed)?;
    }
    let pip = "--kill-after=10 600 bin/python -m pip --disable-pip-version-check --quiet \
               --timeout 30 --retries 3 install --only-binary :all: --requirement";
    let requirements = workspace.root.join(REQUIREMENTS);
    let requirements = requirements.to_string_lossy();
    let words: Vec<&str> = pip.split_whitespace().chain([&*requirements]).collect();
    workspace.run("timeout", &words, &place).map_err(failed)?;
    std::fs::write(&installed, wanted).map_err(|error| failed(error.to_string()))?;
    Ok(python)
}

/// Installs packages where that can be done without asking; else the error says what to install.
fn apt(workspace: &Workspace, packages: &[&str]) -> Result<(), String> {
    let names = packages.join(" ");
    if find("apt-get").is_none() {
        return Err(format!(
            "this machine has no apt-get: install what is called {names} on Debian"
        ));
    }
    let as_root: &[&str] = if is_root(workspace) {
        &[]
    } else if workspace.output("sudo", &["-n", "true"]).is_ok() {
        &["sudo", "-n"]
    } else {
        return Err(format!(
            "it cannot be installed without root: run `sudo apt-get install {names}`"
        ));
    };
    println!("installing {names} with apt-get");
    let set = [
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-qq",
        "-o=Dpkg::Use-Pty=0",
    ];
    let install = ["install", "--yes", "--no-install-recommends"];
    for words in [&["update"][..], &[&install[..], packages].concat()] {
        let line = [as_root, &set, words].concat();
        workspace
            .run(line[0], &line[1..], ".")
            .map_err(|error| format!("apt-get failed: {error}"))?;
    }
    Ok(())
}

fn is_root(workspace: &Workspace) -> bool {
    workspace
        .output("id", &["-u"])
        .is_ok_and(|id| id.trim_ascii() == b"0")
}

/// Where a program is on the `PATH`.
fn find(program: &str) -> Option<PathBuf> {
    find_in(program, &std::env::var_os("PATH")?)
}

fn find_in(program: &str, path: &OsStr) -> Option<PathBuf> {
    let is_program = |candidate: &PathBuf| Path::is_file(candidate);
    std::env::split_paths(path)
        .map(|folder| folder.join(program))
        .find(is_program)
}

/// The front end's build tool supports 20.19+, 22.12+ and everything after 22.
fn is_wanted_node(version: &str) -> bool {
    let mut numbers = version
        .trim_start_matches('v')
        .split('.')
        .map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return false;
    };
    match major {
        20 => minor >= 19,
        22 => minor >= 12,
        _ => major > 22,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions() {
        let check =
            |version: &str, wanted: bool| assert_eq!(is_wanted_node(version), wanted, "{version}");
        check("v18.20.4", false);
        check("v20.18.9", false);
        check("v20.19.0", true);
        check("v21.7.3", false);
        check("v22.11.0", false);
        check("v22.12.0", true);
        check("v24.0.1", true);
        check("", false);
        check("vNext", false);
    }

    #[test]
    fn a_program_is_found_on_the_path_only() {
        assert!(find("cargo").is_some());
        assert_eq!(find("no-such-program"), None);
        assert_eq!(find_in("cargo", OsStr::new("")), None);
    }
}
