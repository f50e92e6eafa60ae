//! The emitter and the server beside other people's software: the test `beside`, one step for each.
//!
//! The tests need programs that are no part of the workspace; each is fetched first and named by a
//! variable.

use std::path::Path;

use crate::install;
use crate::workspace::{self, Workspace};

/// A Prometheus server scrapes the emitter.
pub(crate) fn prometheus(workspace: &Workspace) -> Result<(), String> {
    let programs = install::prometheus(workspace)?;
    let variables = [
        ("PROMETHEUS", programs.server.as_path()),
        ("PROMTOOL", &programs.promtool),
    ];
    test(workspace, "prometheus::", &variables)
}

/// The OpenTelemetry SDK for Python sends beside the emitter.
pub(crate) fn sdk(workspace: &Workspace) -> Result<(), String> {
    let python = install::python_sdk(workspace)?;
    test(workspace, "sdk::", &[("OTEL_PYTHON", &python)])
}

/// With the whole workspace, as all tests are built: a package built alone asks for other features of
/// its dependencies.
fn test(workspace: &Workspace, filter: &str, variables: &[(&str, &Path)]) -> Result<(), String> {
    let arguments = [
        "test",
        "--release",
        "--workspace",
        "--test",
        "beside",
        "--",
        filter,
    ];
    let mut command = workspace.command("cargo", &arguments, ".");
    command.envs(variables.iter().copied());
    workspace::run(command)
}
