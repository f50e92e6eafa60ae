//! Parsing is a table; printing is checked by parsing what was printed.

use super::*;

fn check(text: &str, expect: Result<u64, ByteSizeError>) {
    assert_eq!(
        text.parse::<ByteSize>().map(ByteSize::as_u64),
        expect,
        "{text}"
    );
}

#[test]
fn parses_what_people_write() {
    for (text, bytes) in [
        ("0", 0),
        ("1048576", 1 << 20),
        ("64MiB", 64 << 20),
        ("64 MB", 64_000_000),
        (" 3 kib ", 3 << 10),
        ("2GB", 2_000_000_000),
        ("1 TiB", 1 << 40),
        ("7 b", 7),
    ] {
        check(text, Ok(bytes));
    }
}

#[test]
fn refuses_with_a_reason() {
    check("", Err(ByteSizeError::NoNumber(String::new())));
    check("MiB", Err(ByteSizeError::NoNumber("MiB".into())));
    check("-1", Err(ByteSizeError::NoNumber("-1".into())));
    check("1.5 GiB", Err(ByteSizeError::UnknownUnit(".5 GiB".into())));
    check("5 apples", Err(ByteSizeError::UnknownUnit("apples".into())));
    check(
        "99999999 TiB",
        Err(ByteSizeError::TooLarge("99999999 TiB".into())),
    );
    check(
        "99999999999999999999",
        Err(ByteSizeError::TooLarge("99999999999999999999".into())),
    );
}

#[test]
fn prints_without_rounding() {
    for (size, text) in [
        (ByteSize::bytes(0), "0 B"),
        (ByteSize::mib(64), "64 MiB"),
        (ByteSize::gib(3), "3 GiB"),
        (ByteSize::kib(5), "5 KiB"),
        (ByteSize::bytes(64_000_000), "64 MB"),
        (ByteSize::bytes(1_048_577), "1048577 B"),
        (ByteSize::bytes(u64::MAX), "18446744073709551615 B"),
    ] {
        assert_eq!(size.to_string(), text);
        check(text, Ok(size.as_u64()));
    }
}
