//! The second taker is refused and told who holds the lock; the lock ends with its owner.

use super::*;

#[test]
fn second_owner_is_told_the_first_ones_pid() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let first = DirLock::acquire(dir.path()).expect("nobody holds the lock");
    let refused = DirLock::acquire(dir.path()).expect_err("the lock is held");
    let text = refused.to_string();
    assert!(
        text.contains(&format!("process {}", std::process::id())),
        "{text}"
    );
    drop(first);
    DirLock::acquire(dir.path()).expect("the lock was given back");
}

#[test]
fn leftover_file_does_not_matter() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join(LOCK_FILE), "123456789 and more").expect("writable");
    let _lock = DirLock::acquire(dir.path()).expect("nobody holds the lock");
    let text = std::fs::read_to_string(dir.path().join(LOCK_FILE)).expect("readable");
    assert_eq!(text.trim(), std::process::id().to_string());
}

#[test]
fn missing_directory_is_an_io_error() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let refused = DirLock::acquire(&dir.path().join("missing")).expect_err("no such directory");
    assert!(matches!(refused, LockError::Io { .. }), "{refused:?}");
}

#[test]
fn the_owner_can_be_asked_for_without_taking_anything() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    assert_eq!(DirLock::owner(dir.path()).expect("readable"), None);
    assert_eq!(std::fs::read_dir(dir.path()).expect("readable").count(), 0);
    let lock = DirLock::acquire(dir.path()).expect("nobody holds the lock");
    let owner = DirLock::owner(dir.path()).expect("readable");
    assert_eq!(owner, Some(Some(std::process::id())));
    drop(lock);
    assert_eq!(DirLock::owner(dir.path()).expect("readable"), None);
}
