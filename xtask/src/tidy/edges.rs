//! Dependencies point strictly down the house, and some libraries have one home.

use toml::{Table, Value};

use super::Finding;

/// The crates under `crates/`, each with its level. Level 5 crates never import each other, which
/// follows from "strictly down".
const LEVELS: [(&str, u8); 16] = [
    ("base", 0),
    ("tls", 1),
    ("contract", 1),
    ("journal", 1),
    ("otlp", 2),
    ("redact", 2),
    ("store", 3),
    ("fleet", 3),
    ("query", 4),
    ("receive", 5),
    ("relay", 5),
    ("watch", 5),
    ("access", 5),
    ("emitter", 5),
    ("api", 6),
    ("tallybook", 7),
];

/// The simulated disk and clock and the replayer: for tests, and for developer tools.
const TESTKIT: &str = "testkit";
/// `testkit` stands above this level, and crates from it upwards may use it in their tests.
const TESTKIT_ABOVE: u8 = 3;
/// Members outside `crates/` that are tools for developers, free to use any crate.
const TOOL_FOLDERS: [&str; 3] = ["bench", "fuzz", "tests"];

/// The emitter is published alone: it carries these and nothing else of the house.
const EMITTER_MAY_USE: [&str; 2] = ["contract", "otlp"];

/// Libraries and the crates that alone may depend on them. A name that ends in `*` is a prefix.
const HOMES: [(&str, &[&str], &str); 8] = [
    ("datafusion*", &["query"], "DataFusion stays behind `query`"),
    (
        "parquet",
        &["query", "store", "tests"],
        "Parquet's layout is known to `store`, and to `query` which reads it",
    ),
    ("prost*", &["otlp"], "only `otlp` sees protobuf"),
    ("protobuf*", &["otlp"], "only `otlp` sees protobuf"),
    ("quick-protobuf", &["otlp"], "only `otlp` sees protobuf"),
    ("opentelemetry*", &["otlp"], "only `otlp` sees protobuf"),
    (
        "prometheus",
        &["base"],
        "meters are made with `base::meters`",
    ),
    ("tonic*", &[], "gRPC's unary framing is our own"),
];

/// Crates without I/O and without a clock, and what would give them either.
const PURE: [&str; 3] = ["contract", "otlp", "redact"];
const IMPURE: [&str; 4] = ["tokio", "hyper", "axum", "object_store"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    Build,
    Test,
}

struct Dependency {
    package: String,
    kind: Kind,
}

/// The crate a manifest path under `crates/` belongs to.
pub(super) fn crate_of_manifest(path: &str) -> Option<&str> {
    path.strip_prefix("crates/")?
        .strip_suffix("/Cargo.toml")
        .filter(|name| !name.contains('/'))
}

/// Checks one member's manifest; `root` is the workspace's, which may rename packages.
pub(super) fn check(path: &str, text: &str, root: &str) -> Vec<Finding> {
    let (manifest, root) = match (text.parse::<Table>(), root.parse::<Table>()) {
        (Ok(manifest), Ok(root)) => (manifest, root),
        (Err(error), _) => return vec![Finding::violation(path, 0, format!("not TOML: {error}"))],
        (_, Err(error)) => {
            return vec![Finding::violation(
                "Cargo.toml",
                0,
                format!("not TOML: {error}"),
            )];
        }
    };
    let dependencies = dependencies(&manifest, &root);
    let name = match crate_of_manifest(path) {
        Some(name) => name,
        None => path.split('/').next().unwrap_or_default(),
    };
    let mut messages = Vec::new();
    if crate_of_manifest(path).is_some() {
        if declared_name(&manifest) != Some(name) {
            messages.push(format!(
                "folder = crate: the package must be called `{name}`"
            ));
        }
        if level(name).is_none() && name != TESTKIT {
            messages.push(format!(
                "`{name}` has no level: add it to LEVELS in xtask/src/tidy/edges.rs"
            ));
        }
    }
    for dependency in &dependencies {
        messages.extend(refused_edge(name, dependency));
        messages.extend(refused_library(name, dependency));
    }
    messages
        .into_iter()
        .map(|message| Finding::violation(path, 0, message))
        .collect()
}

fn refused_edge(from: &str, dependency: &Dependency) -> Option<String> {
    let to = dependency.package.as_str();
    if (to != TESTKIT && level(to).is_none()) || TOOL_FOLDERS.contains(&from) {
        return None;
    }
    if from == "emitter" && dependency.kind != Kind::Test && !EMITTER_MAY_USE.contains(&to) {
        return Some(format!(
            "`emitter` is publishable alone: of the house it uses contract and otlp, not `{to}`"
        ));
    }
    match (level(from), level(to)) {
        (Some(upper), Some(lower)) if lower < upper => None,
        (Some(upper), Some(lower)) => Some(format!(
            "`{from}` (level {upper}) must not depend on `{to}` (level {lower}): edges point strictly down"
        )),
        (Some(upper), None) if dependency.kind == Kind::Test && upper >= TESTKIT_ABOVE => None,
        (Some(_), None) => Some(format!(
            "`{from}` must not depend on `{to}`: it is a dev-dependency of level {TESTKIT_ABOVE} and above"
        )),
        (None, Some(lower)) if from == TESTKIT && lower <= TESTKIT_ABOVE => None,
        (None, _) => Some(format!("`{from}` must not depend on `{to}`")),
    }
}

fn refused_library(from: &str, dependency: &Dependency) -> Option<String> {
    let library = dependency.package.as_str();
    if PURE.contains(&from) && dependency.kind != Kind::Test && IMPURE.contains(&library) {
        return Some(format!(
            "`{from}` is pure, without I/O and clock: it must not depend on `{library}`"
        ));
    }
    let (_, homes, reason) =
        HOMES
            .iter()
            .find(|(pattern, ..)| match pattern.strip_suffix('*') {
                Some(prefix) => library.starts_with(prefix),
                None => library == *pattern,
            })?;
    (!homes.contains(&from)).then(|| format!("`{from}` must not depend on `{library}`: {reason}"))
}

fn level(name: &str) -> Option<u8> {
    LEVELS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, level)| *level)
}

fn declared_name(manifest: &Table) -> Option<&str> {
    manifest.get("package")?.get("name")?.as_str()
}

/// All dependencies, those of single platforms included.
fn dependencies(manifest: &Table, root: &Table) -> Vec<Dependency> {
    let mut tables = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(Value::as_table) {
        tables.extend(targets.values().filter_map(Value::as_table));
    }
    let sections = [
        ("dependencies", Kind::Normal),
        ("build-dependencies", Kind::Build),
        ("dev-dependencies", Kind::Test),
    ];
    let mut found = Vec::new();
    for table in tables {
        for (section, kind) in sections {
            let entries = table.get(section).and_then(Value::as_table);
            for (key, value) in entries.into_iter().flatten() {
                found.push(Dependency {
                    package: package_name(key, value, root),
                    kind,
                });
            }
        }
    }
    found
}

/// The name of the package behind a key: a rename must not hide an edge.
fn package_name(key: &str, value: &Value, root: &Table) -> String {
    let renamed = |value: &Value| {
        value
            .get("package")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
    let shared = || {
        root.get("workspace")?
            .get("dependencies")?
            .get(key)
            .and_then(renamed)
    };
    let name = if inherited { shared() } else { renamed(value) };
    name.unwrap_or_else(|| key.to_owned())
}
