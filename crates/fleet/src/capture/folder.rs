//! A scenario's folder, read.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use contract::Signal;
use otlp::Encoding;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ledger::Expected;
use super::{Ledger, Recorded, Scenario};
use crate::client::{ContentEncoding, Transport};

/// Why a recorded scenario cannot be used.
#[derive(Debug)]
pub struct CaptureError {
    /// The file or folder at fault.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for CaptureError {}

/// `NNN-<signal>.meta.json`.
#[derive(Deserialize)]
struct Meta {
    transport: String,
    path: String,
    headers: Vec<(String, String)>,
    #[serde(default)]
    chunked: bool,
    #[serde(default)]
    response: Option<Response>,
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    status: Option<u16>,
}

const META: &str = ".meta.json";

/// The folders of all scenarios in `directory`, by name.
///
/// # Errors
///
/// When the directory cannot be read.
pub fn list(directory: impl AsRef<Path>) -> Result<Vec<PathBuf>, CaptureError> {
    let entries = entries(directory.as_ref())?;
    Ok(entries
        .into_iter()
        .filter(|path| path.join("expected.json").is_file())
        .collect())
}

impl Scenario {
    /// Reads the scenario in `directory`.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub fn load(directory: impl AsRef<Path>) -> Result<Scenario, CaptureError> {
        let directory = directory.as_ref();
        let expected: Expected = json(&directory.join("expected.json"))?;
        let requests: Vec<Recorded> = entries(directory)?
            .iter()
            .filter(|path| file_name(path).ends_with(META))
            .map(|path| recorded(path))
            .collect::<Result<_, _>>()?;
        if requests.is_empty() {
            return Err(fault(directory, "there is no request in this folder"));
        }
        Ok(Scenario {
            name: file_name(directory).to_owned(),
            requests,
            expected: expected.client_ledger.map(Ledger::from),
            client_version: expected.client_version,
        })
    }
}

/// The request described by one `.meta.json` file.
fn recorded(meta_path: &Path) -> Result<Recorded, CaptureError> {
    let stem = file_name(meta_path).trim_end_matches(META);
    let (number, signal) = stem
        .split_once('-')
        .and_then(|(number, name)| Some((number.parse().ok()?, signal_of(name)?)))
        .ok_or_else(|| fault(meta_path, "the name is not like 001-logs.meta.json"))?;
    let meta: Meta = json(meta_path)?;
    let transport = match meta.transport.as_str() {
        "http" => Transport::Http,
        "grpc" => Transport::Grpc,
        other => {
            return Err(fault(
                meta_path,
                format!("transport `{other}` is neither http nor grpc"),
            ));
        }
    };
    let text = meta_path.with_file_name(format!("{stem}.json"));
    let binary = meta_path.with_file_name(format!("{stem}.pb"));
    let (encoding, body_path) = if binary.exists() {
        (Encoding::Protobuf, binary)
    } else {
        (Encoding::Json, text)
    };
    let plain_body = read(&body_path)?;
    let compressed_path = meta_path.with_file_name(format!("{}.gz", file_name(&body_path)));
    let (content_encoding, body) = if compressed_path.exists() {
        (ContentEncoding::Gzip, read(&compressed_path)?)
    } else {
        (ContentEncoding::Identity, plain_body.clone())
    };
    Ok(Recorded {
        number,
        signal,
        transport,
        path: meta.path,
        headers: meta.headers,
        body,
        plain_body,
        encoding,
        content_encoding,
        is_chunked: meta.chunked,
        answered_status: meta.response.and_then(|response| response.status),
    })
}

fn signal_of(name: &str) -> Option<Signal> {
    Signal::ALL.into_iter().find(|signal| signal.name() == name)
}

/// The paths in a directory, sorted.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, CaptureError> {
    let unreadable = |error: std::io::Error| fault(directory, error.to_string());
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, CaptureError> {
    serde_json::from_slice(&read(path)?).map_err(|error| fault(path, error.to_string()))
}

fn read(path: &Path) -> Result<Vec<u8>, CaptureError> {
    fs::read(path).map_err(|error| fault(path, error.to_string()))
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

fn fault(path: &Path, reason: impl Into<String>) -> CaptureError {
    CaptureError {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests;
