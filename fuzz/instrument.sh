#!/bin/sh
# Compiles with the coverage that libFuzzer steers by. `cargo xtask fuzz` gives this to cargo as
# RUSTC_WORKSPACE_WRAPPER, so that it sees the workspace's own crates only: every dependency stays as it
# was compiled for the product. The flags are LLVM's and work on the pinned stable compiler; they are
# those of cargo-fuzz without its sanitizer, for our crates have no unsafe code.
set -eu
# A build script runs without libFuzzer, which has the functions that instrumented code calls.
case " $* " in
*" --crate-name build_script_"*) exec "$@" ;;
esac
exec "$@" \
    -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
