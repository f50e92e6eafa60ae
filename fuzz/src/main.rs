//! libFuzzer over one target, which the environment names. Run by `cargo xtask fuzz`.

#![no_main]

use std::sync::LazyLock;

use fuzz::{TARGET_VARIABLE, Target};
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var(TARGET_VARIABLE).unwrap_or_default();
    Target::named(&name).unwrap_or_else(|| panic!("{TARGET_VARIABLE}: there is no target `{name}`"))
});

fuzz_target!(|input: &[u8]| (TARGET.run)(input));
