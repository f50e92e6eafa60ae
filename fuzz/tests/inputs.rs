//! Every committed input through its target: what once broke something, and what fuzzing starts from.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use fuzz::{TARGETS, Target, folder};

/// Runs every input of a kind through its target; returns how many each target has.
fn run_all(kind: &str) -> Vec<usize> {
    let run = |target: &Target| {
        // Git keeps no empty folder: what never broke has none.
        let inputs = fs::read_dir(folder(kind, target.name))
            .into_iter()
            .flatten();
        let paths = inputs.map(|input| input.expect("an entry").path());
        paths.map(|path| check(target, &path)).count()
    };
    TARGETS.iter().map(run).collect()
}

fn check(target: &Target, path: &Path) {
    let input = fs::read(path).expect("readable");
    let outcome = catch_unwind(|| (target.run)(&input));
    assert!(outcome.is_ok(), "{} breaks {}", path.display(), target.name);
}

#[test]
fn what_once_broke_something_does_not_any_more() {
    assert!(run_all("regressions").iter().sum::<usize>() > 0);
}

#[test]
fn the_corpus_breaks_nothing() {
    let counts = run_all("corpus");
    assert!(counts.iter().all(|count| *count > 1), "{counts:?}");
}

#[test]
fn every_folder_of_inputs_is_a_target_s() {
    for kind in ["corpus", "regressions"] {
        let parent = folder(kind, "");
        for entry in fs::read_dir(parent).expect("is there") {
            let name = entry.expect("an entry").file_name();
            let known = TARGETS.iter().any(|target| *target.name == *name);
            assert!(known, "{kind}/{} is no target's", name.display());
        }
    }
}
