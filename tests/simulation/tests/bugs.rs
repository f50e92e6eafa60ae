//! The planted bugs fit the source as it is, and each says what it breaks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const BUGS_MIN: usize = 20;

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the workspace")
}

#[test]
fn every_planted_bug_can_be_planted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bugs");
    let mut descriptions = BTreeSet::new();
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the bugs") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a patch");
        let description = text.lines().next().unwrap_or_default();
        assert!(
            !description.is_empty() && !description.starts_with("---"),
            "{path:?}"
        );
        assert!(
            descriptions.insert(description.to_owned()),
            "{path:?} says what another says"
        );
        let checked = Command::new("git")
            .args(["apply", "--check", "--whitespace=nowarn"])
            .arg(&path)
            .current_dir(root())
            .output()
            .expect("git");
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(
            checked.status.success(),
            "{path:?} no longer applies: {said}"
        );
        count += 1;
    }
    assert!(count >= BUGS_MIN, "{count} bugs");
}
