//! An organisation whose truth is known, under every kind of disorder, is recovered exactly.
//!
//! Truth is what `fleet` counted of the exports that arrived, each once; the answers are those of the
//! views. The table of a run is printed: `cargo xtask truth` shows it.

mod by_hour;
mod coverage;
mod money;
mod people;
mod sheet;
mod tools;
mod world;

use fleet::{ClientVersion, Config, Disorder, Variety};
use sheet::Sheet;
use world::World;

/// 2026-10-24T00:00:00Z, a Saturday: the thirty days before lie in two months, and a price changes in
/// them. What is late comes at the weekend, when nobody is missed.
const END_MS: u64 = 1_792_800_000_000;

/// A seed with which nobody who stays pauses at the end for longer than usual: what a pause is and
/// what is silence, nobody can tell before it is over.
const SEED: u64 = 31;

fn organisation(people: usize, days: u64) -> Config {
    Config {
        people,
        seed: SEED,
        end_unix_ms: END_MS,
        days,
        client: ClientVersion::V2_1_329,
        content: false,
        metrics: true,
        variety: Variety::FULL,
    }
}

/// Asks everything.
async fn compare(world: &World) -> Sheet {
    let mut sheet = Sheet::default();
    money::compare(world, &mut sheet).await;
    people::compare(world, &mut sheet).await;
    tools::compare(world, &mut sheet).await;
    coverage::compare(world, &mut sheet).await;
    sheet
}

#[tokio::test]
async fn thirty_days_of_an_organisation_are_recovered_exactly() {
    let world = World::live(organisation(32, 30), Disorder::FULL).await;
    world.is_varied();
    let sheet = compare(&world).await;
    println!("{}\n{sheet}", world.describe());
    sheet.assert_exact("everything at once");
    by_hour::sets_aside(&world).await;
    by_hour::agrees(&world).await;
}

#[tokio::test]
async fn each_kind_of_disorder_by_itself_changes_no_answer() {
    let base = Disorder {
        seed: 4,
        ..Disorder::default()
    };
    for (what, disorder) in [
        ("no disorder", base),
        (
            "repeated",
            Disorder {
                repeated: 0.3,
                ..base
            },
        ),
        (
            "overtaken",
            Disorder {
                overtaken: 0.4,
                ..base
            },
        ),
        ("late", Disorder { late: 0.1, ..base }),
        ("lost", Disorder { lost: 0.01, ..base }),
        (
            "forwarded twice",
            Disorder {
                forwarded_twice: 0.6,
                ..base
            },
        ),
    ] {
        let mut config = organisation(14, 5);
        // Five days are too few for a rhythm that somebody could fall out of.
        config.variety.leavers = 0.0;
        let world = World::live(config, disorder).await;
        compare(&world).await.assert_exact(what);
    }
}
