//! Lists and verifies a trail, beside a server that writes it too.
//!
//! The head is read first; what comes after it may just be being written and is left out.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::str::FromStr;

use base::Secret;

use super::head::Head;
use super::line::{self, LINE_BYTES_MAX, Link};
use super::record::Record;
use super::{Place, TrailError};

/// So many findings are told; damage is seldom alone.
const FINDINGS_MAX: usize = 20;

/// A record's number and hash, to be kept elsewhere: `NUMBER:HASH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The record's number.
    pub sequence: u64,
    link: Link,
}

/// What is wrong with a trail, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The segment's file name, or that of the head.
    pub file: String,
    /// Which line, from 1; 0: the file as a whole.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

/// What verifying came to.
#[derive(Clone, Debug)]
pub struct Verified {
    /// How many records the head knows.
    pub records: u64,
    /// The end, to be kept elsewhere; `None` without a record.
    pub checkpoint: Option<Checkpoint>,
    /// All that is wrong, twenty at most.
    pub findings: Vec<Finding>,
}

/// Reads a trail.
pub struct Reader {
    place: Place,
    head: Head,
    sealed: bool,
}

impl Reader {
    /// Reads where the trail ends; `None` when there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(place: &Place) -> Result<Option<Reader>, TrailError> {
        let path = place.folder.join("head");
        if !place.folder.exists() {
            return Ok(None);
        }
        let secret = Secret::open(&place.secret).map_err(TrailError::Secret)?;
        let file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            file => Some(file.map_err(TrailError::io(&path))?),
        };
        let head = match file {
            Some(file) => Head::read(&file, &place.seal(&secret)).map_err(TrailError::io(&path))?,
            None => None,
        };
        Ok(Some(Reader {
            place: place.clone(),
            sealed: head.is_some(),
            head: head.unwrap_or_default(),
        }))
    }

    /// Goes through all records in order, with the line of each as it is on the disk. `each` says
    /// whether to go on. What is wrong goes to `wrong`.
    fn walk(
        &self,
        mut each: impl FnMut(Record, &[u8], Link) -> bool,
        mut wrong: impl FnMut(Finding),
    ) -> Result<(u64, Link), TrailError> {
        let (mut sequence, mut link) = (0, Link::default());
        for number in 1..=self.head.segment {
            let path = self.place.segment(number);
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    // Before the first record there is no segment.
                    if self.head.sequence > 0 {
                        wrong(Finding::of_file(name, "it is gone"));
                    }
                    continue;
                }
                Err(error) => return Err(TrailError::io(&path)(error)),
            };
            let end = if number == self.head.segment {
                self.head.bytes
            } else {
                u64::MAX
            };
            let mut lines = BufReader::new(file.take(end));
            let mut at = 0;
            loop {
                let mut bytes = Vec::new();
                let read = (&mut lines)
                    .take(LINE_BYTES_MAX as u64 + 1)
                    .read_until(b'\n', &mut bytes);
                if read.map_err(TrailError::io(&path))? == 0 {
                    break;
                }
                at += 1;
                let Some(text) = bytes.strip_suffix(b"\n") else {
                    wrong(Finding {
                        file: name.clone(),
                        line: at,
                        what: "it does not end".into(),
                    });
                    break;
                };
                match line::read(text, sequence + 1, link) {
                    Ok(read) => {
                        if let Some(what) = read.wrong {
                            wrong(Finding {
                                file: name.clone(),
                                line: at,
                                what,
                            });
                        }
                        // Go on from what the line says, so that one fault is one finding.
                        (sequence, link) = (read.record.sequence, read.link);
                        if !each(read.record, &bytes, link) {
                            return Ok((sequence, link));
                        }
                    }
                    Err(what) => {
                        wrong(Finding {
                            file: name.clone(),
                            line: at,
                            what,
                        });
                        sequence += 1;
                    }
                }
            }
        }
        Ok((sequence, link))
    }

    /// Reads all of it and says what is wrong; `kept` are checkpoints from elsewhere.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn verify(&self, kept: &[Checkpoint]) -> Result<Verified, TrailError> {
        let mut findings = Vec::new();
        let mut seen: Vec<&Checkpoint> = Vec::new();
        let each = |record: Record, _: &[u8], link: Link| {
            seen.extend(
                kept.iter()
                    .filter(|kept| kept.sequence == record.sequence && kept.link == link),
            );
            true
        };
        let (sequence, link) = self.walk(each, |finding| findings.push(finding))?;
        let of_head = |what: String| Finding {
            file: "head".into(),
            line: 0,
            what,
        };
        if !self.sealed {
            let what = "it is missing, or not sealed with this installation's key";
            findings.push(of_head(what.into()));
        } else if (sequence, link) != (self.head.sequence, self.head.link) {
            let what = format!(
                "it ends with record {}, the files with another {sequence}",
                self.head.sequence
            );
            findings.push(of_head(what));
        }
        for lost in kept.iter().filter(|kept| !seen.contains(kept)) {
            findings.push(of_head(format!(
                "the checkpoint {lost} is not in the trail"
            )));
        }
        findings.truncate(FINDINGS_MAX);
        let checkpoint = (sequence > 0).then_some(Checkpoint { sequence, link });
        Ok(Verified {
            records: self.head.sequence,
            checkpoint,
            findings,
        })
    }

    /// The last `limit` records before number `before` that `wanted` lets pass, the newest first.
    ///
    /// # Errors
    /// It cannot be read. Lines that are no records are left out; verifying finds them.
    pub fn latest(
        &self,
        before: Option<u64>,
        limit: usize,
        wanted: impl Fn(&Record) -> bool,
    ) -> Result<Vec<Record>, TrailError> {
        let mut latest = std::collections::VecDeque::new();
        let each = |record: Record, _: &[u8], _| {
            if before.is_some_and(|before| record.sequence >= before) {
                return false;
            }
            if wanted(&record) {
                if latest.len() == limit {
                    latest.pop_front();
                }
                latest.push_back(record);
            }
            true
        };
        self.walk(each, |_| {})?;
        Ok(latest.into_iter().rev().collect())
    }

    /// Writes all lines from record `from` on, as they are on the disk.
    ///
    /// # Errors
    /// It cannot be read, or `out` takes no more.
    pub fn export(&self, from: u64, out: &mut impl std::io::Write) -> Result<u64, TrailError> {
        let mut written = Ok(0);
        let each = |record: Record, line: &[u8], _| {
            if record.sequence >= from {
                written = out
                    .write_all(line)
                    .and(written.as_ref().map(|count| count + 1).map_err(clone_io));
            }
            written.is_ok()
        };
        self.walk(each, |_| {})?;
        written.map_err(TrailError::io(std::path::Path::new("output")))
    }
}

fn clone_io(error: &std::io::Error) -> std::io::Error {
    error.kind().into()
}

impl Finding {
    fn of_file(file: String, what: &str) -> Finding {
        Finding {
            file,
            line: 0,
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.what),
            line => write!(f, "{}, line {line}: {}", self.file, self.what),
        }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.link.hex())
    }
}

impl FromStr for Checkpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Checkpoint, String> {
        let read = || {
            let (sequence, link) = text.split_once(':')?;
            Some(Checkpoint {
                sequence: sequence.parse().ok()?,
                link: Link::read(link)?,
            })
        };
        read().ok_or_else(|| format!("{text:?} is no checkpoint; write it as tallybook audit verify prints it: NUMBER:HASH"))
    }
}
