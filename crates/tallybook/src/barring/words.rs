//! The words in bytes that nobody could read, each of which may be an id.
//!
//! A word is a longest run of letters, digits and the signs that ids are made of. In protobuf a byte before
//! a text says its length, and that byte may itself be such a sign: so whatever a length before it could
//! mean is a word, too.

/// Shorter ids are in every text by chance.
const WORD_BYTES_MIN: usize = 6;
/// Longer texts are no ids; their length needs more than a byte.
const WORD_BYTES_MAX: usize = 127;
/// So many bytes are looked through.
const BYTES_MAX: usize = 64 << 10;

/// Whether `is_one` says so of any word; `None` when there are too many bytes to look through.
pub(super) fn any(bytes: &[u8], is_one: impl Fn(&str) -> bool) -> Option<bool> {
    if bytes.len() > BYTES_MAX {
        return None;
    }
    let runs = bytes.split(|byte| !is_of_word(*byte));
    // Before the length is the tag of a field that has one.
    let lengths = bytes.windows(2).enumerate().filter_map(|(at, pair)| {
        let (tag, length) = (pair[0], usize::from(pair[1]));
        bytes.get(at + 2..at + 2 + length).filter(|_| tag & 7 == 2)
    });
    let mut words = runs.chain(lengths).filter(|word| may_be_id(word));
    Some(words.any(|word| std::str::from_utf8(word).is_ok_and(&is_one)))
}

fn may_be_id(word: &[u8]) -> bool {
    (WORD_BYTES_MIN..=WORD_BYTES_MAX).contains(&word.len())
        && word.iter().all(|byte| is_of_word(*byte))
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"@._%+-~/|:=!#$&'*".contains(&byte)
}

#[cfg(test)]
mod tests {
    //! An id is found wherever it stands, and what is too long is said to be.
    use super::*;

    fn has(bytes: &[u8], id: &str) -> Option<bool> {
        any(bytes, |word| word == id)
    }

    #[test]
    fn an_id_is_found_in_json_and_in_protobuf() {
        let json = br#"{"key":"user.email","value":{"stringValue":"ann@example.com"}}"#;
        assert_eq!(has(json, "ann@example.com"), Some(true));
        assert_eq!(has(json, "ben@example.com"), Some(false));
        // A length that is itself a sign of words: 64 is `@`.
        let id = "f".repeat(64);
        let protobuf = [b"\x0a\x40", id.as_bytes(), b"tail"].concat();
        assert_eq!(has(&protobuf, &id), Some(true));
        let letters = [b"a\x12\x31", "x".repeat(49).as_bytes(), b"yz"].concat();
        assert_eq!(has(&letters, &"x".repeat(49)), Some(true));
        assert_eq!(has(&vec![b' '; BYTES_MAX + 1], "ann@example.com"), None);
    }
}
