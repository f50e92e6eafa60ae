//! Clock and ids: parameters, so that tests decide both.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where times and ids come from.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// Nanoseconds since the Unix epoch.
    pub(crate) now_nanos: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub(crate) new_trace_id: Arc<dyn Fn() -> [u8; 16] + Send + Sync>,
    pub(crate) new_span_id: Arc<dyn Fn() -> [u8; 8] + Send + Sync>,
    pub(crate) new_id: Arc<dyn Fn() -> String + Send + Sync>,
    /// Where the agent works; `None` is the process's working directory.
    pub(crate) dir: Option<PathBuf>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Surroundings {
            now_nanos: Arc::new(now_nanos),
            new_trace_id: Arc::new(random),
            new_span_id: Arc::new(random),
            new_id: Arc::new(new_uuid),
            dir: None,
        }
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Surroundings")
    }
}

fn now_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 tells nothing.
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}

/// Bytes by chance, as an id of a trace or a span is made of.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness ids are made of the time: rather alike than none.
    if getrandom::fill(&mut bytes).is_err() {
        let time = now_nanos().to_be_bytes();
        for (byte, known) in bytes.iter_mut().zip(time.iter().cycle()) {
            *byte = *known;
        }
    }
    bytes
}

/// A random UUID (version 4).
fn new_uuid() -> String {
    let mut bytes: [u8; 16] = random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| &hex[from..to];
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

/// A number from 0 to 1, by chance.
pub(crate) fn chance() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_and_differ() {
        let (one, other) = (new_uuid(), new_uuid());
        assert_ne!(one, other);
        let lengths: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{one}");
        assert_eq!(&one[14..15], "4", "{one}");
        assert!("89ab".contains(&one[19..20]), "{one}");
    }
}
