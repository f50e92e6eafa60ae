//! The journal as its callers see it, on a simulated disk.

mod appending;
mod crashes;
mod damage;
mod faults;
mod fixtures;
mod inspect;
mod meters;
mod reading;
mod resync;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::sim::SimDisk;
use base::{Disk, OsDisk};
use bytes::Bytes;

use crate::format::{FrameHeader, SegmentHeader, segment_name};
use crate::recovery::settle;
use crate::{Config, Frame, Journal, OpenError, Report, Sequence};

const DIR: &str = "/journal";
const SALT: u64 = 0x0123_4567_89ab_cdef;

fn config() -> Config {
    Config {
        salt: SALT,
        ..Config::new(DIR)
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(test)
}

fn open(disk: &SimDisk, config: Config) -> Journal {
    open_after(disk, config, Sequence::ZERO)
}

fn open_after(disk: &SimDisk, config: Config, start_after: Sequence) -> Journal {
    Journal::open(config, Arc::new(disk.clone()), start_after)
        .expect("the journal opens")
        .0
}

/// Everything a journal returns after `start_after`, without starting a writer.
fn replay(disk: &SimDisk, start_after: u64) -> (Vec<Frame>, Report) {
    try_replay(disk, start_after).expect("the journal can be read")
}

fn try_replay(disk: &SimDisk, start_after: u64) -> Result<(Vec<Frame>, Report), OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let start_after = Sequence::new(start_after);
    let settled = settle(&disk, Path::new(DIR), start_after)?;
    let mut recovery = settled.replay(disk, start_after);
    let frames = recovery
        .by_ref()
        .collect::<Result<_, _>>()
        .expect("the disk can be read");
    Ok((frames, recovery.report().clone()))
}

fn numbers(frames: &[Frame]) -> Vec<u64> {
    frames.iter().map(|frame| frame.sequence.get()).collect()
}

fn segment_path(first: u64) -> PathBuf {
    Path::new(DIR).join(segment_name(Sequence::new(first)))
}

fn header_bytes(first: u64) -> Vec<u8> {
    let first = Sequence::new(first);
    SegmentHeader { first, salt: SALT }.encode().to_vec()
}

fn frame_bytes(sequence: u64, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader::new(SALT, Sequence::new(sequence), payload);
    [&header.encode(), payload].concat()
}

/// A segment whose frames are numbered from `first` on.
fn segment_bytes(first: u64, payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = header_bytes(first);
    for (sequence, payload) in (first..).zip(payloads) {
        bytes.extend(frame_bytes(sequence, payload));
    }
    bytes
}

/// A payload of `len` bytes that no other `seed` gives (unless it is very short).
fn payload(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}
