//! A secret is made once, stays the same, is for its owner alone, and gives a key for each use.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn is_made_once_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/server.key");
    let made = Secret::open_or_create(&path).unwrap();
    let opened = Secret::open_or_create(&path).unwrap();
    assert_eq!(made.key("a"), opened.key("a"));
    assert_ne!(made.key("a"), made.key("b"));
    assert_eq!(fs::read_dir(folder.path().join("keys")).unwrap().count(), 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
}

#[test]
fn keys_are_those_of_rfc_5869() {
    // Computed with an independent HKDF-SHA256: salt "tallybook", input 32 zeros, info "redaction".
    let key = Secret::from_bytes(&[0; KEY_BYTES]).key("redaction");
    assert_eq!(key, EXPECTED);
}

const EXPECTED: [u8; KEY_BYTES] = [
    0xc7, 0x1d, 0xb8, 0x16, 0xfe, 0x6b, 0xc2, 0x6d, 0xa8, 0x78, 0x63, 0x13, 0x9b, 0x90, 0x5b, 0x6e,
    0x14, 0x3e, 0xf8, 0xc0, 0xf2, 0xac, 0xbc, 0x60, 0x7d, 0xf3, 0x6b, 0x4a, 0xc1, 0x4f, 0x87, 0x9f,
];

#[test]
fn what_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.key");
    Secret::open_or_create(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = Secret::open(&path).unwrap_err();
    assert!(matches!(error, SecretError::Open { mode: 0o640, .. }));
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn something_else_is_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.key");
    Secret::open_or_create(&path).unwrap();
    fs::write(&path, b"short").unwrap();
    let error = Secret::open_or_create(&path).unwrap_err();
    assert!(matches!(error, SecretError::Odd { bytes: 5, .. }));
    assert_eq!(fs::read(&path).unwrap(), b"short");
}

#[test]
fn random_bytes_differ() {
    assert_ne!(random().unwrap(), random().unwrap());
}
