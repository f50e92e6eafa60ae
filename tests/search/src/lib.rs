//! Every byte of a directory, searched: files as they are, column files decompressed, whatever is
//! compressed within them decompressed, and hexadecimal read.
//!
//! Invariant: nothing here knows where the server keeps what. A file that cannot be read as what it
//! seems to be is a problem, not an absence.

use std::fs;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use arrow::array::Array;
use arrow::array::ArrayData;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use testkit::Problem;

/// How a zstd frame begins (RFC 8878).
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// The largest frame that is opened.
const INFLATED_BYTES_MAX: usize = 256 << 20;

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which of the needles.
    pub needle: usize,
    /// In which file, and in what of it.
    pub place: String,
}

/// Searches every file under `dir` for texts.
///
/// # Errors
/// A file cannot be read, or a column file is none.
pub fn search(dir: &Path, needles: &[String]) -> Result<Vec<Hit>, Problem> {
    let mut files = Vec::new();
    list(dir, &mut files)?;
    let plain = AhoCorasick::new(needles).map_err(|error| Problem::new(error.to_string()))?;
    let hex: Vec<String> = needles.iter().map(|needle| hex_of(needle)).collect();
    let hex = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(&hex)
        .map_err(|error| Problem::new(error.to_string()))?;
    let mut hits = Vec::new();
    for file in files {
        let bytes = fs::read(&file)?;
        let mut look = |place: &str, bytes: &[u8]| {
            for (way, automaton) in [("", &plain), (" as hexadecimal", &hex)] {
                for found in automaton.all_of(bytes) {
                    hits.push(Hit {
                        needle: found,
                        place: format!("{}{place}{way}", file.display()),
                    });
                }
            }
        };
        look("", &bytes);
        inflated(&bytes, |inner| look(", decompressed", inner));
        if bytes.starts_with(b"PAR1") {
            columns(bytes.into(), |column, buffer| {
                look(&format!(", column {column}"), buffer);
            })?;
        }
    }
    Ok(hits)
}

/// All matches of an automaton, one after the other.
trait All {
    fn all_of(&self, bytes: &[u8]) -> Vec<usize>;
}

impl All for AhoCorasick {
    fn all_of(&self, bytes: &[u8]) -> Vec<usize> {
        self.find_overlapping_iter(bytes)
            .map(|found| found.pattern().as_usize())
            .collect()
    }
}

fn list(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), Problem> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn hex_of(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Opens whatever begins as a compressed frame anywhere.
fn inflated(bytes: &[u8], mut look: impl FnMut(&[u8])) {
    let mut from = 0;
    while let Some(at) = bytes
        .get(from..)
        .and_then(|rest| rest.windows(ZSTD.len()).position(|window| window == ZSTD))
    {
        let frame = &bytes[from + at..];
        let length = zstd::zstd_safe::find_frame_compressed_size(frame).unwrap_or(frame.len());
        if let Ok(inner) =
            zstd::bulk::decompress(&frame[..length.min(frame.len())], INFLATED_BYTES_MAX)
        {
            look(&inner);
        }
        from += at + ZSTD.len();
    }
}

/// Hands over the buffers of every column of a column file.
fn columns(file: Bytes, mut look: impl FnMut(&str, &[u8])) -> Result<(), Problem> {
    let failed = |error: &dyn std::fmt::Display| Problem::new(format!("a column file: {error}"));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| failed(&error))?;
    for batch in reader {
        let batch = batch.map_err(|error| failed(&error))?;
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            buffers(&column.to_data(), &mut |buffer| look(field.name(), buffer));
        }
    }
    Ok(())
}

fn buffers(data: &ArrayData, look: &mut impl FnMut(&[u8])) {
    for buffer in data.buffers() {
        look(buffer.as_slice());
    }
    for child in data.child_data() {
        buffers(child, look);
    }
}
