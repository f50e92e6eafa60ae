//! The store's own files and frames.

use bytes::Bytes;
use store::Entry;

/// Any bytes as one of the store's files: read or refused.
pub(crate) fn files(_input: &[u8]) {}

/// Any bytes as a frame's payload: refused, or the same after it was written again.
pub(crate) fn entry(input: &[u8]) {
    let payload = Bytes::copy_from_slice(input);
    if let Ok(entry) = Entry::decode(&payload) {
        let again = entry.encode();
        assert_eq!(Entry::decode(&again), Ok(entry));
    }
}
