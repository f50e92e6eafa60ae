//! What a stranger's bytes must not be able to do: the fuzz targets, each with the property it holds.
//!
//! Invariant: a target takes any bytes, and panics only when the product broke a promise. It checks
//! against something that the code under test does not share: another reader of the same format, the
//! way back, or a bound.
//!
//! | file | what is in it |
//! |---|---|
//! | `main.rs` | libFuzzer over one target |
//! | `script.rs` | bytes of an input, read as choices |
//! | `export.rs` | OTLP: protobuf and JSON, there and back |
//! | `body.rs` | gRPC framing; gzip and zstd within the limit |
//! | `segments.rs` | a journal with any damage in it |
//! | `directory.rs` | the store's own files and frames |
//! | `rows.rs` | log records to rows and back; money |
//! | `sql.rs` | the guard that lets nothing but reading through |
//! | `seeds.rs` | first inputs, made from the recorded requests |
//! | `instrument.sh` | the compiler with coverage |
//! | `corpus/`, `regressions/` | committed inputs: what to start from, and what once broke something |

mod body;
mod directory;
mod export;
mod rows;
mod script;
pub mod seeds;
mod segments;
mod sql;

use std::cell::OnceCell;
use std::path::PathBuf;

use fleet::Recorded;
use tokio::runtime::Runtime;

/// The environment variable that names the target.
pub const TARGET_VARIABLE: &str = "TALLYBOOK_FUZZ_TARGET";

/// The environment variable that names the folder to which seeds are written.
pub const SEEDS_VARIABLE: &str = "TALLYBOOK_FUZZ_SEEDS";

/// One way in, and what must hold there.
#[derive(Debug)]
pub struct Target {
    /// The name, which is also that of its folders.
    pub name: &'static str,
    /// Takes one input. Panics when a promise is broken.
    pub run: fn(&[u8]),
    /// First inputs, made from the recorded requests.
    seeds: fn(&[Recorded]) -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "otlp_protobuf",
        run: export::protobuf,
        seeds: seeds::protobuf,
    },
    Target {
        name: "otlp_json",
        run: export::json,
        seeds: seeds::json,
    },
    Target {
        name: "grpc_framing",
        run: body::framing,
        seeds: seeds::framed,
    },
    Target {
        name: "inflate",
        run: body::inflate,
        seeds: seeds::compressed,
    },
    Target {
        name: "journal",
        run: segments::run,
        seeds: seeds::segments,
    },
    Target {
        name: "store_files",
        run: directory::files,
        seeds: seeds::damage,
    },
    Target {
        name: "journal_entry",
        run: directory::entry,
        seeds: seeds::entries,
    },
    Target {
        name: "normalize",
        run: rows::normalize,
        seeds: seeds::rows,
    },
    Target {
        name: "cost",
        run: rows::cost,
        seeds: seeds::costs,
    },
    Target {
        name: "sql",
        run: sql::run,
        seeds: seeds::questions,
    },
];

impl Target {
    /// The target of that name.
    pub fn named(name: &str) -> Option<&'static Target> {
        TARGETS.iter().find(|target| target.name == name)
    }
}

/// Where the committed inputs are: `corpus` or `regressions`, with a folder for each target.
pub fn folder(kind: &str, target: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), kind, target].iter().collect()
}

/// Runs a future on this thread.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    thread_local!(static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() });
    let new = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().build().expect("a runtime")
    };
    RUNTIME.with(|runtime| runtime.get_or_init(new).block_on(work))
}
