//! A journal with any damage in it: recovery returns only what was written, in order, and twice the
//! same; the journal then takes new frames.
//!
//! The segments are written here, from the words of the format's description and not with the
//! journal's own code.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::sim::{SimDisk, Survival};
use bytes::Bytes;
use journal::{Config, Frame, Journal, OpenError, Report, Sequence};

use crate::script::Script;

const DIR: &str = "/journal";
const SALT: u64 = 0x5A17;
const SEGMENTS_MAX: u8 = 3;
const ADDED: &[u8] = b"added after recovery";

/// The segments that a script wrote.
#[derive(Default)]
struct Written {
    /// Name and contents.
    segments: Vec<(PathBuf, Vec<u8>)>,
    /// Every frame that was written whole, whatever happened to it then.
    frames: Vec<Frame>,
    is_damaged: bool,
}

/// A script as a journal's files; recovery of them.
pub(crate) fn run(input: &[u8]) {
    let written = Written::by(&mut Script::new(input));
    let disk = SimDisk::new();
    for (path, bytes) in &written.segments {
        disk.install(path, bytes);
    }
    let (journal, found, report) = match open(&disk) {
        Ok(opened) => opened,
        Err(_) => {
            assert!(written.is_damaged, "what is whole opens");
            return;
        }
    };
    check(&written, &found, &report);
    let added = crate::block_on(journal.append(Bytes::from_static(ADDED)));
    drop(journal);
    disk.crash(Survival::Nothing);
    let (_, again, _) = open(&disk).expect("what was opened opens again");
    let mut expected = found;
    expected.extend(added.ok().map(|sequence| Frame {
        sequence,
        payload: Bytes::from_static(ADDED),
    }));
    assert_eq!(again, expected, "the second recovery");
}

fn check(written: &Written, found: &[Frame], report: &Report) {
    let is_ascending = found.is_sorted_by(|one, next| one.sequence < next.sequence);
    assert!(is_ascending, "every frame once and in order: {found:?}");
    for frame in found {
        assert!(written.frames.contains(frame), "nobody wrote {frame:?}");
    }
    if !written.is_damaged {
        assert_eq!(found, written.frames);
        assert!(report.is_clean(), "{report:?}");
    }
}

fn open(disk: &SimDisk) -> Result<(Journal, Vec<Frame>, Report), OpenError> {
    let config = Config {
        salt: SALT,
        ..Config::new(DIR)
    };
    let (journal, mut recovery) = Journal::open(config, Arc::new(disk.clone()), Sequence::ZERO)?;
    let frames: Result<Vec<_>, _> = recovery.by_ref().collect();
    let report = recovery.report().clone();
    Ok((journal, frames.expect("the disk works"), report))
}

impl Written {
    fn by(script: &mut Script<'_>) -> Self {
        let mut written = Self::default();
        let mut next = 1;
        for _ in 0..=script.byte() % SEGMENTS_MAX {
            let first = next;
            next = written.segment(script, first);
            if next == first {
                // The segment after one without frames would have its name.
                break;
            }
        }
        written
    }

    /// Writes one segment whose first frame has number `first`; returns the number after its last.
    fn segment(&mut self, script: &mut Script<'_>, first: u64) -> u64 {
        let mut bytes = header(first);
        let mut next = first;
        while !script.is_empty() {
            match script.byte() % 8 {
                0 => break,
                1..=3 => {
                    bytes.extend(self.frame(next, script.run()));
                    next += 1;
                }
                damage => {
                    self.is_damaged = true;
                    self.damage(damage, script, &mut bytes, next);
                }
            }
        }
        let path = Path::new(DIR).join(format!("journal-{first:020}.seg"));
        self.segments.push((path, bytes));
        next
    }

    fn damage(&mut self, kind: u8, script: &mut Script<'_>, bytes: &mut Vec<u8>, next: u64) {
        match kind {
            4 => bytes.extend_from_slice(script.run()),
            5 => {
                let at = script.number() % bytes.len();
                bytes[at] ^= script.byte();
            }
            6 => bytes.truncate(script.number() % (bytes.len() + 1)),
            _ => {
                // A frame that does not belong here.
                let distance = u64::from(script.byte());
                let sequence = match script.byte() {
                    // The last numbers of all would leave none for what is added.
                    0 => (u64::MAX >> 1) - distance,
                    way if way < 128 => next.saturating_sub(distance),
                    _ => next + distance,
                };
                bytes.extend(self.frame(sequence, script.run()));
            }
        }
    }

    fn frame(&mut self, sequence: u64, payload: &[u8]) -> Vec<u8> {
        self.frames.push(Frame {
            sequence: Sequence::new(sequence),
            payload: Bytes::copy_from_slice(payload),
        });
        let length = u32::try_from(payload.len()).expect("short");
        let numbers = [&length.to_le_bytes()[..], &sequence.to_le_bytes()].concat();
        let header_checksum = crc32c::crc32c_append(crc32c::crc32c(&SALT.to_le_bytes()), &numbers);
        let frame_checksum = crc32c::crc32c_append(header_checksum, payload);
        let mut frame = 0x7A5E_F4A3_u32.to_le_bytes().to_vec();
        frame.extend(numbers);
        frame.extend(header_checksum.to_le_bytes());
        frame.extend(frame_checksum.to_le_bytes());
        frame.extend(payload);
        frame
    }
}

fn header(first: u64) -> Vec<u8> {
    let mut copy = b"TALLYJNL\x01\x00\x00\x00".to_vec();
    copy.extend(first.to_le_bytes());
    copy.extend(SALT.to_le_bytes());
    copy.extend(crc32c::crc32c(&copy).to_le_bytes());
    copy.repeat(2)
}
