//! The short form of the simulation, and that it is what it claims to be: the same seed, the same life.

use simulation::{ENCRYPTED_FROM, live, run_seeds};

/// How many seeds each run of the tests lives.
const SEEDS: u64 = 500;
/// How many more, in encrypted directories.
const ENCRYPTED: u64 = 60;
/// How many of them are lived twice.
const TWICE: u64 = 12;
/// How many of the encrypted ones.
const ENCRYPTED_TWICE: u64 = 4;

/// So many plain lives, and so many encrypted ones.
fn seeds(plain: u64, encrypted: u64) -> impl Iterator<Item = u64> {
    (0..plain).chain((0..encrypted).map(|seed| ENCRYPTED_FROM + seed))
}

fn kept_seeds() -> Vec<u64> {
    let kept = include_str!("../seeds.txt").lines();
    let kept = kept.filter(|line| !line.starts_with('#'));
    kept.map(|line| {
        let number = line.split(' ').next().unwrap_or_default();
        number
            .parse()
            .unwrap_or_else(|_| panic!("not a seed: {line}"))
    })
    .collect()
}

#[test]
fn promises_are_kept_whatever_the_seed() {
    let seeds: Vec<u64> = kept_seeds()
        .into_iter()
        .chain(seeds(SEEDS, ENCRYPTED))
        .collect();
    let failed = run_seeds(&seeds, 3);
    let told: Vec<String> = failed
        .iter()
        .map(|failed| {
            let seed = failed.seed;
            format!(
                "cargo xtask simulate-faults --seed {seed}    # {}",
                failed.failure
            )
        })
        .collect();
    assert!(failed.is_empty(), "\n{}", told.join("\n"));
}

#[test]
fn a_seed_decides_everything() {
    let mut hashes = std::collections::BTreeSet::new();
    for seed in seeds(TWICE, ENCRYPTED_TWICE) {
        let (one, other) = (live(seed), live(seed));
        let first_difference = one.trace.iter().zip(&other.trace).position(|(a, b)| a != b);
        assert_eq!(first_difference, None, "seed {seed}");
        assert_eq!(one, other, "seed {seed}");
        assert!(
            one.trace.len() > 50,
            "seed {seed}: {} operations",
            one.trace.len()
        );
        hashes.insert(one.trace_hash);
    }
    assert_eq!(hashes.len() as u64, TWICE + ENCRYPTED_TWICE, "seeds differ");
}
