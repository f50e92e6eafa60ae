//! Whole requests to the model and its whole answers, in files (`OTEL_LOG_RAW_API_BODIES=file:DIR`).
//!
//! ```text
//! DIR/ID.request.json            a request, uncut; ID names this attempt
//! DIR/REQUEST_ID.response.json   an answer; the model provider's id, or a random one without it
//! DIR/index.jsonl                a line for each answer: which message, which two files
//! ```
//!
//! Invariant: the program that records waits for no disk. Bodies wait in a queue bounded in bytes, and
//! the thread that sends writes them; what does not fit or cannot be written is said. A file is there
//! whole or not at all, and readable by its owner alone.
//!
//! Source: the vendor's documentation; no recording shows it.

use std::collections::VecDeque;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::spool;

const REQUEST: &str = ".request.json";
const RESPONSE: &str = ".response.json";
const INDEX: &str = "index.jsonl";
/// So much may wait to be written, and one body more.
const WAITING_BYTES_MAX: usize = 64 << 20;
const WAITING_MAX: usize = 2048;
const NAME_LENGTH_MAX: usize = 128;

/// Where files go. Public, as `BodyFile` is, for the sealed half of a public trait alone.
pub struct Place<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) new_id: &'a dyn Fn() -> String,
}

/// A body that is to be written.
#[derive(Debug)]
pub struct BodyFile {
    path: PathBuf,
    text: String,
    entry: Option<Entry>,
}

/// What the index says of an answer.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Entry {
    pub(crate) timestamp: String,
    pub(crate) session_id: String,
    pub(crate) query_source: Option<String>,
    pub(crate) model: String,
    pub(crate) request_id: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) message_uuid: Option<String>,
    pub(crate) request_file: Option<String>,
    pub(crate) response_file: String,
}

impl Place<'_> {
    /// The file of a request whose attempt has this id.
    pub(crate) fn request(&self, id: Option<&str>, text: String) -> BodyFile {
        self.file(id, REQUEST, text)
    }

    /// The file of an answer to the request of this id, and its line in the index.
    pub(crate) fn response(&self, id: Option<&str>, text: String, entry: Entry) -> BodyFile {
        let mut file = self.file(id, RESPONSE, text);
        file.entry = Some(Entry {
            response_file: file.name(),
            ..entry
        });
        file
    }

    fn file(&self, id: Option<&str>, suffix: &str, text: String) -> BodyFile {
        let id = id.filter(|id| is_plain(id)).map(str::to_owned);
        let name = id.unwrap_or_else(self.new_id) + suffix;
        BodyFile {
            path: self.dir.join(name),
            text,
            entry: None,
        }
    }
}

/// The name of the file of a request whose attempt has this id.
pub(crate) fn request_name(id: Option<&str>) -> Option<String> {
    id.filter(|id| is_plain(id))
        .map(|id| format!("{id}{REQUEST}"))
}

/// Whether an id can be a file's name: another could lead out of the directory.
fn is_plain(id: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !id.is_empty() && id.len() <= NAME_LENGTH_MAX && id.bytes().all(is_letter)
}

impl BodyFile {
    /// The absolute path, as the event says it.
    pub(crate) fn reference(&self) -> String {
        self.path.display().to_string()
    }

    /// The body's length in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.text.len() as u64
    }

    fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Says when, and in which session, an answer came.
    pub(crate) fn place_in(&mut self, timestamp: String, session: &str) {
        if let Some(entry) = &mut self.entry {
            entry.timestamp = timestamp;
            entry.session_id = session.to_owned();
        }
    }

    /// Writes the body, then its line in the index.
    pub(crate) fn write(&self) -> io::Result<()> {
        let dir = self.path.parent().unwrap_or(Path::new(""));
        spool::make_dir(dir)?;
        let unfinished = dir.join(format!("{}.{}.unfinished", self.name(), std::process::id()));
        let written = spool::create(&unfinished)
            .and_then(|mut file| file.write_all(self.text.as_bytes()))
            .and_then(|()| fs::rename(&unfinished, &self.path));
        if written.is_err() {
            // What cannot be written is not left in pieces either.
            let _ = fs::remove_file(&unfinished);
        }
        written?;
        let Some(entry) = &self.entry else {
            return Ok(());
        };
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // One write, so that the lines of several processes do not mix.
        options.open(dir.join(INDEX))?.write_all(&line)
    }
}

/// The bodies that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct BodyQueue {
    files: VecDeque<BodyFile>,
    bytes: usize,
    is_closed: bool,
}

impl BodyQueue {
    pub(crate) fn has_room(&self) -> bool {
        !self.is_closed && self.bytes < WAITING_BYTES_MAX && self.files.len() < WAITING_MAX
    }

    pub(crate) fn push(&mut self, file: BodyFile) {
        self.bytes += file.text.len();
        self.files.push_back(file);
    }

    pub(crate) fn pop(&mut self) -> Option<BodyFile> {
        let file = self.files.pop_front()?;
        self.bytes -= file.text.len();
        Some(file)
    }

    /// Takes nothing any more. Gives up the bodies that wait, and says how many there were.
    pub(crate) fn close(&mut self) -> u64 {
        self.is_closed = true;
        self.bytes = 0;
        std::mem::take(&mut self.files).len() as u64
    }
}
