//! The guard of queries: whatever text is let through is a plan that only reads, and only the views.

use std::sync::{Arc, LazyLock};

use base::SystemClock;
use query::{Engine, ErrorKind, Sight};
use store::Store;

/// Everything that a plan which reads can be made of, by the first word of a node's description.
const READING: [&str; 22] = [
    "Aggregate:",
    "Analyze",
    "Cross",
    "Distinct:",
    "DistinctOn:",
    "EmptyRelation:",
    "Explain",
    "Filter:",
    "Full",
    "Inner",
    "Left",
    "LeftAnti",
    "Limit:",
    "Projection:",
    "RecursiveQuery:",
    "Right",
    "Sort:",
    "Subquery:",
    "SubqueryAlias:",
    "Union",
    "Values:",
    "WindowAggr:",
];

/// An engine over an empty store, whose directory is gone: planning reads no file.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let home = tempfile::tempdir().expect("a directory");
    let opening = Store::open(
        store::Config::new(home.path()),
        Arc::new(SystemClock::new()),
    );
    let (store, _) = crate::block_on(opening).expect("a store");
    let config = query::Config {
        threads: 1,
        ..query::Config::default()
    };
    Engine::new(store, config).expect("an engine")
});

/// Any text as a query.
pub(crate) fn run(input: &[u8]) {
    let Ok(sql) = std::str::from_utf8(input) else {
        return;
    };
    let engine = &*ENGINE;
    match crate::block_on(engine.question(Sight::everything()).plan(sql)) {
        Ok(plan) => plan.iter().for_each(|node| only_reads(node)),
        Err(error) => assert_eq!(error.kind, ErrorKind::Invalid, "{error}"),
    }
}

fn only_reads(node: &str) {
    if let Some(table) = node.strip_prefix("TableScan: ") {
        let name = table.split([' ', ',']).next().unwrap_or_default();
        let is_view = query::VIEWS.iter().any(|view| view.name == name);
        assert!(is_view || name.starts_with('_'), "{node}");
        return;
    }
    let word = node.split(' ').next().unwrap_or_default();
    assert!(READING.contains(&word), "{node}");
}
