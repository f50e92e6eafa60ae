//! The corpus of bad input: files of cases, each a compact description of what is sent and the exact
//! answer that it must have.
//!
//! A case that has `each` stands for as many cases as that has entries: `$1`, `$2` … in its texts and
//! keys are replaced by the entry's texts. What is sent is described by one of
//!
//! | key | what it gives | sent as |
//! |---|---|---|
//! | `set` | a client's record with these attributes set | protobuf, JSON, gRPC |
//! | `record_protobuf`, `record_json` | a record between two good ones | where it is given |
//! | `protobuf`, `json` | a whole message | protobuf and gRPC; JSON |
//! | `packed` | what comes after compression, as it is | all three, over HTTP as bytes of `coding` |
//! | `frames` | all that is sent in a call | gRPC |
//! | `raw` | all that is sent over a socket | to the port of OTLP/HTTP |
//!
//! | file | what is in it |
//! |---|---|
//! | `notation.rs` | how bytes are described |
//! | `sending.rs` | from a description to the bytes of a message |
//! | `expected.rs` | the answers by name |

pub mod expected;
pub mod notation;
pub mod sending;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use testkit::Problem;
use toml::Value;

use crate::way::{Signal, Way};
use crate::wire::squeeze::Coding;
use expected::Answer;

/// One case: what is sent, and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is wrong with it.
    pub name: String,
    /// On which ways it is sent; all for which it describes something when not given.
    pub ways: Option<Vec<Way>>,
    /// As which signal.
    #[serde(default)]
    pub signal: Signal,
    /// Attributes of a client's record.
    pub set: Option<BTreeMap<String, Value>>,
    /// Attributes of a second record, sent in a request of its own after the first.
    pub then_set: Option<BTreeMap<String, Value>>,
    /// A record as protobuf.
    pub record_protobuf: Option<String>,
    /// A record as JSON.
    pub record_json: Option<String>,
    /// A message as protobuf.
    pub protobuf: Option<String>,
    /// A message as JSON.
    pub json: Option<String>,
    /// The bytes of a compressed message.
    pub packed: Option<String>,
    /// The bytes of a call.
    pub frames: Option<String>,
    /// The bytes of a connection.
    pub raw: Option<String>,
    /// How the message is compressed.
    #[serde(default)]
    pub coding: Coding,
    /// How many bytes are cut from the end of what is sent.
    #[serde(default, deserialize_with = "number")]
    pub cut: Option<usize>,
    /// Which byte of what is sent is inverted.
    #[serde(default, deserialize_with = "number")]
    pub flip: Option<usize>,
    /// What is appended to what is sent.
    pub append: Option<String>,
    /// The method, if not POST.
    pub method: Option<String>,
    /// The path, if not that of the signal.
    pub path: Option<String>,
    /// Headers beside the usual ones or in their place; an empty text leaves one out.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How often it is sent.
    #[serde(default = "once")]
    pub times: usize,
    /// What is answered.
    pub answer: Answer,
    /// Whether the answer to what is kept warns of something.
    #[serde(default)]
    pub warns: bool,
    /// How many items are accepted, if not as the answer has it.
    pub accepted: Option<u64>,
    /// How many items are quarantined, if not as the answer has it.
    pub quarantined: Option<u64>,
    /// How many items are known already.
    #[serde(default)]
    pub deduplicated: u64,
    /// Columns of what is stored, as text.
    pub stored: Option<BTreeMap<String, String>>,
    /// How many rows are stored with the case's marker; 1 when `stored` is given.
    pub rows: Option<usize>,
}

fn once() -> usize {
    1
}

/// A number, or one as text, which it is where an entry was put in.
fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    let text = match Value::deserialize(from)? {
        Value::String(text) => text,
        other => other.to_string(),
    };
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// A statement that must be refused, or stopped.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// What is wrong with it.
    pub name: String,
    /// The statement; `«x»*N` repeats.
    pub sql: String,
    /// One of these is the status of the answer.
    pub status: Vec<u16>,
    /// What the answer says, among other things.
    #[serde(default)]
    pub says: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    case: Vec<Value>,
    #[serde(default)]
    statement: Vec<Value>,
}

/// All cases and statements, in order of files.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// What is exported.
    pub cases: Vec<Case>,
    /// What is asked.
    pub statements: Vec<Statement>,
}

impl Corpus {
    /// Reads every file of the corpus.
    ///
    /// # Errors
    ///
    /// Names the file, and the case in it, that cannot be understood.
    pub fn read() -> Result<Corpus, Problem> {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/bad-input"));
        let files = std::fs::read_dir(folder)?;
        let mut paths: Vec<PathBuf> = files
            .map(|file| Ok(file?.path()))
            .collect::<Result<_, std::io::Error>>()?;
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
        paths.sort();
        let mut corpus = Corpus::default();
        for path in paths {
            let text = std::fs::read_to_string(&path)?;
            corpus
                .add(&text)
                .map_err(|problem| problem.while_doing(path.display()))?;
        }
        Ok(corpus)
    }

    fn add(&mut self, text: &str) -> Result<(), Problem> {
        let file: File = toml::from_str(text)?;
        for described in &file.case {
            self.cases.extend(spread(described)?);
        }
        for described in &file.statement {
            self.statements.extend(spread(described)?);
        }
        Ok(())
    }
}

/// The cases that a description stands for.
fn spread<'de, T: Deserialize<'de>>(described: &Value) -> Result<Vec<T>, Problem> {
    let mut described = described.clone();
    let name = described
        .get("name")
        .map(Value::to_string)
        .unwrap_or_default();
    let table = described.as_table_mut();
    let each = table.and_then(|table| table.remove("each"));
    let entries = match each {
        None => vec![Vec::new()],
        Some(Value::Array(entries)) => entries.iter().map(texts).collect(),
        Some(other) => return Err(Problem::new(format!("{name}: each is {other}"))),
    };
    let read = |entry: &Vec<String>| {
        T::deserialize(replaced(&described, entry))
            .map_err(|error| Problem::from(error).while_doing(&name))
    };
    entries.iter().map(read).collect()
}

fn texts(entry: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match entry {
        Value::Array(texts) => texts.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

/// `value` with `$1`, `$2` … replaced in keys and texts.
fn replaced(value: &Value, entry: &[String]) -> Value {
    let text = |text: &str| {
        let numbered = entry.iter().enumerate();
        numbered.fold(text.to_owned(), |text, (index, with)| {
            text.replace(&format!("${}", index + 1), with)
        })
    };
    match value {
        Value::String(old) => Value::String(text(old)),
        Value::Array(values) => {
            Value::Array(values.iter().map(|value| replaced(value, entry)).collect())
        }
        Value::Table(table) => Value::Table(
            table
                .iter()
                .map(|(key, value)| (text(key), replaced(value, entry)))
                .collect(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
