//! What is sealed is opened as it was, from any offset, and nothing that was changed or moved is; a ring
//! survives a power cut at every operation.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::*;
use crate::disk::Disk;
use crate::sim::{Fault, SimDisk, Survival};

const DIR: &str = "/data";

fn root(byte: u8) -> RootKey {
    RootKey::from_bytes([byte; 32])
}

fn create(disk: &SimDisk) -> Result<Vault, SealError> {
    Vault::create(
        Arc::new(disk.clone()),
        Path::new(DIR),
        &root(1),
        Random::seeded(1),
    )
}

fn open(disk: &SimDisk, byte: u8) -> Result<Option<Vault>, SealError> {
    Vault::open(
        Arc::new(disk.clone()),
        Path::new(DIR),
        Some(&root(byte)),
        Random::seeded(2),
    )
}

fn vault() -> Vault {
    create(&SimDisk::new()).expect("a ring")
}

fn named(name: &str) -> Scope {
    Scope::Named(name.to_owned())
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 7 % 251) as u8).collect()
}

fn read_of(sealed: &[u8]) -> impl FnMut(u64, &mut [u8]) -> io::Result<usize> {
    |offset, buffer: &mut [u8]| {
        let rest = &sealed[(offset as usize).min(sealed.len())..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

#[test]
fn a_file_is_read_as_it_was_from_any_offset() {
    let vault = vault();
    for bytes in [0, 1, 16_383, 16_384, 16_385, 50_000] {
        let plain = content(bytes);
        let sealed = vault
            .seal_file(&named("A"), "parts/a", &plain)
            .expect("seals");
        assert_eq!(vault.unseal("parts/a", &sealed).expect("opens"), plain);
        let opened = vault
            .open_file("parts/a", &sealed, sealed.len() as u64)
            .expect("opens");
        for (offset, length) in [
            (0, 1),
            (16_380, 10),
            (16_384, 16_384),
            (5, 40_000),
            (49_999, 9),
        ] {
            let mut buffer = vec![0; length];
            let filled = opened
                .read(read_of(&sealed), offset, &mut buffer)
                .expect("reads");
            let from = (offset as usize).min(bytes);
            let expected = &plain[from..bytes.min(from + length)];
            assert_eq!(
                &buffer[..filled],
                expected,
                "{bytes}: {length} from {offset}"
            );
        }
    }
}

#[test]
fn nothing_that_was_changed_is_opened() {
    let vault = vault();
    let plain = content(100);
    let sealed = vault
        .seal_file(&named("A"), "parts/a", &plain)
        .expect("seals");
    for at in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        let error = vault.unseal("parts/a", &flipped).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "bit {at}");
    }
    for bytes in 0..sealed.len() {
        assert!(
            vault.unseal("parts/a", &sealed[..bytes]).is_err(),
            "{bytes} bytes"
        );
    }
    assert!(
        vault
            .unseal("parts/a", &[&sealed[..], b"x"].concat())
            .is_err()
    );
    let moved = vault.unseal("parts/b", &sealed).expect_err("refused");
    assert!(moved.to_string().contains("moved"), "{moved}");
}

#[test]
fn blocks_stay_where_they_are_and_files_where_they_were() {
    const BLOCK: usize = (16 << 10) + 16;
    let vault = vault();
    let sealed = |fill: u8| {
        let plain = vec![fill; 3 * (16 << 10)];
        vault
            .seal_file(&named("A"), "parts/a", &plain)
            .expect("seals")
    };
    let (one, other) = (sealed(1), sealed(2));
    let mut swapped = one.clone();
    swapped[HEADER_BYTES..HEADER_BYTES + BLOCK]
        .copy_from_slice(&one[HEADER_BYTES + BLOCK..HEADER_BYTES + 2 * BLOCK]);
    swapped[HEADER_BYTES + BLOCK..HEADER_BYTES + 2 * BLOCK]
        .copy_from_slice(&one[HEADER_BYTES..HEADER_BYTES + BLOCK]);
    assert!(vault.unseal("parts/a", &swapped).is_err());
    let mut mixed = one.clone();
    mixed[HEADER_BYTES..HEADER_BYTES + BLOCK]
        .copy_from_slice(&other[HEADER_BYTES..HEADER_BYTES + BLOCK]);
    assert!(vault.unseal("parts/a", &mixed).is_err());
    // A whole block less, with a header that says so.
    let mut cut = one[..one.len() - BLOCK].to_vec();
    cut[68..76].copy_from_slice(&(2_u64 * (16 << 10)).to_le_bytes());
    assert!(vault.unseal("parts/a", &cut).is_err());
}

#[test]
fn messages_are_found_among_others_and_hold_to_their_number() {
    let vault = vault();
    let envelope = vault.envelope(&named("A")).expect("a key");
    let message = envelope.seal(7, b"hello").expect("seals");
    assert_eq!(message.len(), 5 + MESSAGE_OVERHEAD_BYTES);
    assert_eq!(
        vault.open_message(&message).expect("opens"),
        (7, b"hello".to_vec())
    );
    for at in 0..message.len() * 8 {
        let mut flipped = message.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        assert!(vault.open_message(&flipped).is_err(), "bit {at}");
    }
    let line = envelope.seal_line(8, b"line").expect("seals");
    assert_eq!(
        vault.open_line(&line).expect("opens"),
        Some(b"line".to_vec())
    );
    assert_eq!(vault.open_line(b"{\"plain\":1}").expect("plain"), None);
    let among = [b"before\n", &line[..], b"\nxx", &message, b"after"].concat();
    let mut found = Vec::new();
    vault.open_within(&among, |opened| found.push(opened.expect("opens")));
    assert_eq!(found, [b"hello".to_vec(), b"line".to_vec()]);
}

#[test]
fn without_the_right_root_key_nothing_is_opened_or_written() {
    let disk = SimDisk::new();
    create(&disk).expect("a ring");
    let before = disk.files();
    assert!(matches!(
        open(&disk, 2),
        Err(SealError::WrongRootKey { .. })
    ));
    let none = Vault::open(Arc::new(disk.clone()), Path::new(DIR), None, Random::System);
    assert!(matches!(none, Err(SealError::NoRootKey { .. })));
    assert_eq!(disk.files(), before);
    assert!(matches!(open(&SimDisk::new(), 1), Ok(None)));
}

#[test]
fn a_ring_that_was_changed_is_read_from_its_copy_or_refused() {
    let disk = SimDisk::new();
    let vault = create(&disk).expect("a ring");
    let sealed = vault.seal_file(&named("A"), "a", b"x").expect("seals");
    let at = |name: &str| Path::new(DIR).join(name);
    let text = String::from_utf8(disk.read(&at(RING_PATH)).expect("reads")).expect("text");
    assert!(!text.contains('A'), "a name is in clear: {text}");
    // Who would have an old key used again.
    for path in [RING_PATH, "keys/ring.copy"] {
        disk.remove(&at(path)).expect("removes");
        let mut file = disk.create_new(&at(path)).expect("creates");
        let changed = text.replacen("current", "old", 1);
        file.write_all(&mut [std::io::IoSlice::new(changed.as_bytes())])
            .expect("writes");
        let opened = open(&disk, 1);
        match path {
            RING_PATH => {
                let vault = opened.expect("the copy").expect("a ring");
                assert_eq!(vault.unseal("a", &sealed).expect("opens"), b"x");
            }
            _ => assert!(matches!(opened, Err(SealError::Damaged { .. }))),
        }
    }
}

/// Who can write the disk would have it forgotten that there is a newer key.
#[test]
fn a_key_that_was_taken_out_of_the_ring_is_noticed() {
    let disk = SimDisk::new();
    let vault = create(&disk).expect("a ring");
    vault.envelope(&named("A")).expect("a key");
    for path in [RING_PATH, "keys/ring.copy"] {
        let path = Path::new(DIR).join(path);
        let text = String::from_utf8(disk.read(&path).expect("reads")).expect("text");
        let mut lines: Vec<&str> = text.lines().collect();
        lines.remove(2);
        disk.remove(&path).expect("removes");
        let mut file = disk.create_new(&path).expect("creates");
        let text = lines.join("\n") + "\n";
        file.write_all(&mut [std::io::IoSlice::new(text.as_bytes())])
            .expect("writes");
    }
    assert!(matches!(open(&disk, 1), Err(SealError::Damaged { .. })));
}

#[test]
fn keys_are_renewed_dropped_and_destroyed() {
    let disk = SimDisk::new();
    let vault = create(&disk).expect("a ring");
    let seal = |name: &str| vault.seal_file(&named(name), "a", b"x").expect("seals");
    let (a, b) = (seal("A"), seal("B"));
    vault.rotate_keys().expect("rotates");
    let renewed = seal("A");
    assert_ne!(
        vault.key_of_file(&a, a.len() as u64),
        vault.key_of_file(&renewed, renewed.len() as u64)
    );
    let used: HashSet<KeyId> = [&a]
        .iter()
        .filter_map(|file| vault.key_of_file(file, file.len() as u64))
        .map(|(id, _)| id)
        .collect();
    assert_eq!(
        vault.drop_unused(&used).expect("drops"),
        2,
        "B's and the installation's"
    );
    let again = open(&disk, 1).expect("opens").expect("a ring");
    assert_eq!(again.unseal("a", &a).expect("opens"), b"x");
    let gone = again
        .unseal("a", &b)
        .expect_err("its key is gone")
        .to_string();
    assert!(gone.contains("not in the key ring"), "{gone}");
    assert_eq!(again.destroy(&named("A")).expect("destroys"), 2);
    assert!(again.unseal("a", &a).is_err() && again.unseal("a", &renewed).is_err());
}

/// Whatever operation the power fails at, one of both root keys opens the ring with all keys.
#[test]
fn a_power_cut_during_rotation_costs_no_key() {
    for survival in [Survival::Nothing, Survival::Everything, Survival::Seeded(5)] {
        for ordinal in 1.. {
            let disk = SimDisk::new();
            let vault = create(&disk).expect("a ring");
            let sealed = vault.seal_file(&named("A"), "a", b"x").expect("seals");
            disk.fail_at(disk.operations() + ordinal, Fault::PowerCut);
            let renewed = vault.rotate_keys();
            let rotated = renewed.and_then(|()| vault.rotate_root(root(2)));
            disk.crash(survival);
            let opened = match open(&disk, 1) {
                Ok(opened) if rotated.is_err() => opened,
                _ => open(&disk, 2).expect("the new root key opens it"),
            };
            let vault = opened.expect("there is a ring");
            assert_eq!(
                vault.unseal("a", &sealed).expect("opens"),
                b"x",
                "operation {ordinal}"
            );
            if rotated.is_ok() {
                assert!(open(&disk, 1).is_err(), "the old root key is worth nothing");
                break;
            }
        }
    }
}

/// A disk that takes long over a new key holds up nobody who has one.
#[test]
fn who_has_a_key_does_not_wait_while_another_is_made() {
    let disk = SimDisk::new();
    let vault = create(&disk).expect("a ring");
    let sealed = vault.seal_file(&named("A"), "a", b"x").expect("seals");
    disk.hold_syncs();
    let (answer, answered) = mpsc::sync_channel(1);
    let (told, made) = thread::scope(|scope| {
        let making = scope.spawn(|| vault.envelope(&named("B")).map(drop));
        disk.wait_for_sync();
        scope.spawn(|| {
            let has = (vault.has_key(&named("A")), vault.has_key(&named("B")));
            answer.send((has, vault.unseal("a", &sealed)))
        });
        let told = answered.recv_timeout(Duration::from_secs(10));
        disk.let_syncs_through();
        (told, making.join().expect("no panic"))
    });
    let (has, opened) = told.expect("answers while the disk works");
    assert_eq!(has, (true, false), "a key is there when it is durable");
    assert_eq!(opened.expect("opens"), b"x");
    made.expect("makes a key");
    assert!(vault.has_key(&named("B")));
}

/// A process is killed while it makes a key, the next one uses that key, and then the power goes.
#[test]
fn what_was_read_outlives_a_power_cut_and_either_copy() {
    for ordinal in 1.. {
        let disk = SimDisk::new();
        let vault = create(&disk).expect("a ring");
        disk.fail_at(disk.operations() + ordinal, Fault::PowerCut);
        let made = vault.envelope(&named("A"));
        disk.plan_no_faults();
        disk.crash(Survival::Everything);
        let next = open(&disk, 1).expect("opens").expect("a ring");
        next.settle().expect("settles");
        let sealed = next.seal_file(&named("A"), "a", b"x").expect("seals");
        disk.crash(Survival::Nothing);
        for copy in [ring::PATH, ring::COPY_PATH] {
            let [at, other] = [copy, "other"].map(|name| Path::new(DIR).join(name));
            disk.rename(&at, &other).expect("is there");
            let left = open(&disk, 1).expect("opens").expect("a ring");
            let opened = left.unseal("a", &sealed);
            assert_eq!(
                opened.expect("opens"),
                b"x",
                "operation {ordinal}, without {copy}"
            );
            disk.rename(&other, &at).expect("is there");
        }
        if made.is_ok() {
            break;
        }
    }
}
