//! The same script runs on the operating system's disk and on the simulated one: they must agree.

use super::*;
use crate::sim::SimDisk;

/// Everything a caller can see of one file's life.
fn check(disk: &dyn Disk, root: &Path) -> io::Result<()> {
    let dir = root.join("a").join("b");
    disk.create_dir_all(&dir)?;
    disk.create_dir_all(&dir)?;
    assert_eq!(disk.list_dirs(&root.join("a"))?, ["b"]);
    assert!(disk.list(&root.join("a"))?.is_empty() && disk.list_dirs(&dir)?.is_empty());
    let lock = disk.lock(&dir).expect("nobody holds the lock");
    assert!(matches!(disk.lock(&dir), Err(LockError::Held { .. })));
    assert!(matches!(
        disk.lock(&root.join("missing")),
        Err(LockError::Io { .. })
    ));
    drop(lock);
    drop(disk.lock(&dir).expect("the lock was given back"));
    // The operating system's disk leaves the file whose lock it is.
    let _ = disk.remove(&dir.join("LOCK"));
    let path = dir.join("one");
    let mut file = disk.create_new(&path)?;
    let kind = disk.create_new(&path).err().map(|error| error.kind());
    assert_eq!(kind, Some(io::ErrorKind::AlreadyExists));

    file.write_all(&mut [
        IoSlice::new(b""),
        IoSlice::new(b"hello "),
        IoSlice::new(b"world"),
    ])?;
    file.write_all(&mut [])?;
    file.sync_data()?;
    assert_eq!(
        (disk.file_len(&path)?, disk.read(&path)?),
        (11, b"hello world".to_vec())
    );
    let mut buffer = [0; 8];
    assert_eq!(disk.read_at(&path, 6, &mut buffer)?, 5);
    assert_eq!(&buffer[..5], b"world");
    assert_eq!(disk.read_at(&path, 99, &mut buffer)?, 0);

    file.set_len(7)?;
    assert_eq!(disk.read(&path)?, b"hello w");
    disk.truncate(&path, 5)?;
    disk.sync_file(&path)?;
    let moved = dir.join("two");
    disk.rename(&path, &moved)?;
    disk.sync_dir(&dir)?;
    assert_eq!(
        (disk.list(&dir)?, disk.read(&moved)?),
        (vec!["two".to_owned()], b"hello".to_vec())
    );
    disk.remove(&moved)?;
    for missing in [
        disk.remove(&moved),
        disk.file_len(&moved).map(drop),
        disk.sync_file(&moved),
    ] {
        assert_eq!(
            missing.map_err(|error| error.kind()),
            Err(io::ErrorKind::NotFound)
        );
    }
    assert!(disk.list(&dir)?.is_empty());
    Ok(())
}

#[test]
fn the_systems_disk_behaves() -> io::Result<()> {
    check(&OsDisk, tempfile::tempdir()?.path())
}

#[test]
fn the_simulated_disk_behaves_alike() -> io::Result<()> {
    check(&SimDisk::new(), Path::new("/sim"))
}

#[test]
fn more_slices_than_one_system_call_takes() -> io::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("many");
    let parts: Vec<[u8; 2]> = (0..5_000_u16).map(u16::to_le_bytes).collect();
    let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
    OsDisk.create_new(&path)?.write_all(&mut slices)?;
    assert_eq!(OsDisk.read(&path)?, parts.concat());
    Ok(())
}

#[cfg(unix)]
#[test]
fn others_cannot_read() -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir()?;
    let inner = dir.path().join("inner");
    OsDisk.create_dir_all(&inner)?;
    OsDisk.create_new(&inner.join("file"))?;
    let mode = |path: &Path| Ok::<_, io::Error>(fs::metadata(path)?.permissions().mode() & 0o777);
    assert_eq!((mode(&inner)?, mode(&inner.join("file"))?), (0o700, 0o600));
    Ok(())
}
