//! What is encoded decodes to the same; nothing else decodes; version 1 stays readable.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn frames_round_trip(
        salt: u64,
        number: u64,
        payload in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let header = FrameHeader::new(salt, Sequence::new(number), &payload);
        let decoded = FrameHeader::decode(&header.encode(), salt);
        prop_assert_eq!(decoded, Some(header));
        prop_assert!(header.matches(&payload));
        prop_assert_eq!(header.frame_len(), (FRAME_HEADER_LEN + payload.len()) as u64);
        prop_assert_eq!(FrameHeader::decode(&header.encode(), !salt), None);
    }

    #[test]
    fn a_flipped_bit_is_noticed(
        number: u64,
        mut payload in proptest::collection::vec(any::<u8>(), 1..300),
        bit: proptest::sample::Index,
    ) {
        let header = FrameHeader::new(7, Sequence::new(number), &payload);
        let bit = bit.index(payload.len() * 8);
        payload[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!header.matches(&payload));
    }

    #[test]
    fn segment_headers_and_names_round_trip(number in 1_u64.., salt: u64) {
        let first = Sequence::new(number);
        let header = SegmentHeader { first, salt };
        prop_assert_eq!(SegmentHeader::decode(&header.encode()), Ok(header));
        prop_assert_eq!(parse_segment_name(&segment_name(first)), Some(first));
        prop_assert_eq!(parse_set_aside_name(&set_aside_name(first)), Some(first));
    }
}

#[test]
fn segment_header_survives_the_loss_of_one_copy() {
    let header = SegmentHeader {
        first: Sequence::new(5),
        salt: 9,
    };
    for offset in 0..SEGMENT_HEADER_LEN {
        let mut bytes = header.encode();
        bytes[offset] ^= 0x40;
        assert_eq!(SegmentHeader::decode(&bytes), Ok(header), "byte {offset}");
    }
    for len in 0..HEADER_COPY_LEN {
        let decoded = SegmentHeader::decode(&header.encode()[..len]);
        assert_eq!(decoded, Err(SegmentHeaderFault::Unreadable), "{len} bytes");
    }
}

#[test]
fn longer_payloads_than_allowed_are_not_frames() {
    let mut bytes = [0; FRAME_HEADER_LEN];
    let payload_len = PAYLOAD_BYTES_MAX as u32 + 1;
    bytes[..4].copy_from_slice(&FRAME_MAGIC);
    bytes[4..8].copy_from_slice(&payload_len.to_le_bytes());
    let checksum = header_checksum(0, payload_len, Sequence::ZERO);
    bytes[16..20].copy_from_slice(&checksum.to_le_bytes());
    assert_eq!(FrameHeader::decode(&bytes, 0), None);
}

#[test]
fn other_files_are_not_segments() {
    for name in [
        "LOCK",
        "journal-1.seg",
        "journal-00000000000000000000.seg",
        "journal-00000000000000000001.seg.damaged",
        "journal-99999999999999999999.seg",
        "journal-+0000000000000000001.seg",
    ] {
        assert_eq!(parse_segment_name(name), None, "{name}");
    }
}
