//! How fast files and messages are sealed and opened, by this thread's own CPU time, so that a busy machine
//! does not matter: `cargo run --release -p base --example sealing` (Linux).

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a developer tool speaks to a terminal"
)]

use std::path::Path;
use std::sync::Arc;

use base::seal::{Random, RootKey, Scope, Vault};
use base::sim::SimDisk;

const FILE_BYTES: usize = 32 << 20;
const READ_BYTES: usize = 8 << 10;
const READS: usize = 20_000;

fn main() {
    let disk = Arc::new(SimDisk::new());
    let root = RootKey::from_bytes([1; 32]);
    let vault = Vault::create(disk, Path::new("/data"), &root, Random::System).unwrap();
    let scope = Scope::Named("Example".into());
    let plain: Vec<u8> = (0..FILE_BYTES).map(|at| (at * 31 % 251) as u8).collect();
    let (sealed, took) = timed(|| vault.seal_file(&scope, "parts/a", &plain).unwrap());
    println!(
        "a file is sealed at {:.0} MB/s",
        FILE_BYTES as f64 / took / 1e6
    );
    let (opened, took) = timed(|| vault.unseal("parts/a", &sealed).unwrap());
    assert_eq!(opened, plain);
    println!("and opened at {:.0} MB/s", FILE_BYTES as f64 / took / 1e6);
    let file = vault
        .open_file("parts/a", &sealed, sealed.len() as u64)
        .unwrap();
    let mut buffer = vec![0; READ_BYTES];
    let ((), took) = timed(|| {
        for read in 0..READS {
            let offset = (read * 7919 * 4096) % (FILE_BYTES - READ_BYTES);
            let read_at = |at: u64, into: &mut [u8]| {
                into.copy_from_slice(&sealed[at as usize..at as usize + into.len()]);
                Ok(into.len())
            };
            file.read(read_at, offset as u64, &mut buffer).unwrap();
        }
    });
    println!(
        "8 KiB anywhere in it are read in {:.1} µs",
        took / READS as f64 * 1e6
    );
    let envelope = vault.envelope(&scope).unwrap();
    for bytes in [200, 2_000, 30_000, 300_000] {
        let times = 30_000_000 / bytes.max(10_000);
        let ((), took) = timed(|| {
            for number in 0..times {
                std::hint::black_box(envelope.seal(number as u64, &plain[..bytes]).unwrap());
            }
        });
        println!(
            "a message of {bytes} bytes is sealed in {:.1} µs",
            took / times as f64 * 1e6
        );
    }
}

/// What `work` gives, and how much CPU time this thread took for it, in seconds.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let cpu = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        let on_cpu = text.split(' ').next().and_then(|ns| ns.parse().ok());
        on_cpu.unwrap_or(0.0) / 1e9
    };
    let before = cpu();
    let worked = work();
    (worked, cpu() - before)
}
