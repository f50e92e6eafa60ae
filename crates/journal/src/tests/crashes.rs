//! The promise: whenever the disk fails or the power goes, acknowledged ⊆ recovered ⊆ issued, each
//! frame once and with its payload.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use base::sim::{Fault, Survival};

use super::*;

/// What a run has asked for and been promised.
#[derive(Default)]
struct Ledger {
    /// Frames issued so far; the payload follows from the number.
    issued: u64,
    acknowledged: BTreeMap<Sequence, u64>,
    /// Everything through here counts as durable elsewhere.
    flushed: Sequence,
}

fn issue(number: u64) -> Bytes {
    let body = payload(number, (number * 53 % 400) as usize);
    [&number.to_le_bytes()[..], &body].concat().into()
}

impl Ledger {
    async fn append(&mut self, journal: &Journal, count: u64) {
        for _ in 0..count {
            let number = self.take_number();
            let outcome = journal.append(issue(number)).await;
            self.note(number, outcome.ok());
        }
    }

    /// Three appends at once, which may or may not share a sync.
    async fn append_together(&mut self, journal: &Journal) {
        let numbers: [u64; 3] = std::array::from_fn(|_| self.take_number());
        let [a, b, c] = numbers.map(|number| journal.append(issue(number)));
        let (a, b, c) = tokio::join!(a, b, c);
        for (number, outcome) in numbers.into_iter().zip([a, b, c]) {
            self.note(number, outcome.ok());
        }
    }

    fn take_number(&mut self) -> u64 {
        self.issued += 1;
        self.issued
    }

    fn note(&mut self, number: u64, sequence: Option<Sequence>) {
        if let Some(sequence) = sequence {
            let before = self.acknowledged.insert(sequence, number);
            assert_eq!(before, None, "sequence {sequence} was given twice");
        }
    }

    /// Opens the journal and checks what it returns.
    fn check(&self, disk: &SimDisk, context: &str) -> (Journal, Vec<Frame>, Report) {
        let opened = Journal::open(config_of_run(), Arc::new(disk.clone()), self.flushed);
        let (journal, mut recovery) = opened.unwrap_or_else(|error| panic!("{context}: {error}"));
        let frames: Vec<Frame> = recovery.by_ref().map(Result::unwrap).collect();
        let mut recovered = BTreeMap::new();
        for frame in &frames {
            let number = u64::from_le_bytes(*frame.payload.first_chunk().expect("a number"));
            assert!(
                (1..=self.issued).contains(&number),
                "{context}: {number} was not issued"
            );
            assert_eq!(frame.payload, issue(number), "{context}");
            assert_eq!(
                recovered.insert(number, frame.sequence),
                None,
                "{context}: {number} twice"
            );
        }
        assert!(numbers(&frames).is_sorted_by(|a, b| a < b), "{context}");
        for (sequence, number) in self.acknowledged.range(self.flushed.next()..) {
            assert_eq!(
                recovered.get(number),
                Some(sequence),
                "{context}: frame {number}"
            );
        }
        (journal, frames, recovery.report().clone())
    }
}

fn config_of_run() -> Config {
    Config {
        segment_target_bytes: 900,
        ..config()
    }
}

/// A life of a journal: appends alone and together, rotations, deletion, a second opening.
async fn live(disk: &SimDisk, ledger: &mut Ledger) -> Result<(), OpenError> {
    let (journal, _) = Journal::open(config_of_run(), Arc::new(disk.clone()), ledger.flushed)?;
    ledger.append(&journal, 4).await;
    ledger.append_together(&journal).await;
    let _ = journal.rotate().await;
    ledger.append(&journal, 3).await;
    ledger.flushed = Sequence::new(journal.last_synced().get() / 2);
    let _ = journal.delete_through(ledger.flushed);
    ledger.append(&journal, 3).await;
    drop(journal);
    let (journal, _) = Journal::open(config_of_run(), Arc::new(disk.clone()), ledger.flushed)?;
    ledger.append(&journal, 2).await;
    ledger.append_together(&journal).await;
    Ok(())
}

/// Hits operation `ordinal` of a life with `fault`, crashes, and checks; then goes on, crashes again
/// and checks again. Says whether the life was long enough to meet the fault.
fn check_fault(ordinal: u64, fault: Fault, survival: Survival) -> bool {
    let disk = SimDisk::new();
    let mut ledger = Ledger::default();
    disk.fail_at(ordinal, fault);
    let outcome = run(live(&disk, &mut ledger));
    if disk.operations() < ordinal {
        assert!(outcome.is_ok(), "{outcome:?}");
        return false;
    }
    disk.crash(survival);

    let context = format!("{fault:?} at operation {ordinal}, {survival:?}");
    let (journal, before, report) = ledger.check(&disk, &context);
    let files = disk.list(Path::new(DIR)).unwrap();
    assert!(
        !files.iter().any(|name| name.ends_with(".damaged")),
        "{context}: {files:?}"
    );
    if !matches!(survival, Survival::Seeded(_)) {
        assert!(report.is_clean(), "{context}: {report:?}");
    }
    let acknowledged = ledger.acknowledged.len();
    run(ledger.append(&journal, 2));
    assert_eq!(
        ledger.acknowledged.len(),
        acknowledged + 2,
        "{context}: appends go on"
    );
    disk.crash(Survival::Nothing);
    drop(journal);

    // What a recovery has returned is durable from then on, acknowledged or not.
    let (_journal, after, _) = ledger.check(&disk, &format!("{context}, then a power cut"));
    assert_eq!(after[..before.len()], before, "{context}, then a power cut");
    true
}

fn check_every_operation(faults: &[Fault], survivals: &[Survival]) {
    for &fault in faults {
        for &survival in survivals {
            let met = (1..)
                .take_while(|ordinal| check_fault(*ordinal, fault, survival))
                .count();
            assert!(met > 40, "only {met} operations were hit");
        }
    }
}

const PLAIN: [Survival; 2] = [Survival::Nothing, Survival::Everything];

#[test]
fn power_cut_at_every_operation() {
    check_every_operation(&[Fault::PowerCut], &PLAIN);
}

#[test]
fn power_cut_at_every_operation_with_partial_writes() {
    check_every_operation(
        &[Fault::PowerCut],
        &std::array::from_fn::<_, 12, _>(|seed| Survival::Seeded(seed as u64)),
    );
}

#[test]
fn error_at_every_operation() {
    let faults = [
        Fault::Error(ErrorKind::Other),
        Fault::ShortWrite(ErrorKind::StorageFull),
    ];
    check_every_operation(&faults, &PLAIN);
    check_every_operation(&faults, &[Survival::Seeded(1), Survival::Seeded(2)]);
}
