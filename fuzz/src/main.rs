//! libFuzzer over one target, which the environment names. Run by `cargo xtask fuzz`.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use fuzz::{SEEDS_VARIABLE, TARGET_VARIABLE, Target, seeds};
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var(TARGET_VARIABLE).unwrap_or_default();
    Target::named(&name).unwrap_or_else(|| panic!("{TARGET_VARIABLE}: there is no target `{name}`"))
});

/// Writes the seeds instead of fuzzing, when the environment says where to.
fn start() {
    if let Some(folder) = std::env::var_os(SEEDS_VARIABLE) {
        seeds::write(&TARGET, Path::new(&folder)).expect("the seeds are written");
        std::process::exit(0);
    }
}

fuzz_target!(init: start(), |input: &[u8]| (TARGET.run)(input));
