//! Whatever is done to a trail is found; a crash is not taken for it.
use std::fs;
use std::sync::Arc;

use base::{Clock, ManualClock};

use super::*;
use crate::principal::Principal;

struct Bench {
    folder: tempfile::TempDir,
    place: Place,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(folder.path());
        Bench { folder, place }
    }

    fn writer(&self) -> Writer {
        self.try_writer().unwrap()
    }

    fn try_writer(&self) -> Result<Writer, TrailError> {
        Writer::open(&self.place, clock())
    }

    /// Three segments of two records each.
    fn of_six() -> Bench {
        let bench = Bench::new();
        let mut writer = bench.writer().with_segments_of(500);
        (1..=6).for_each(|number| writer.record(act(number)).unwrap());
        assert!(bench.place.segment(3).exists() && !bench.place.segment(4).exists());
        bench
    }

    fn lines(&self, segment: u64) -> Vec<String> {
        let text = fs::read_to_string(self.place.segment(segment)).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn put_lines(&self, segment: u64, lines: &[String]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(self.place.segment(segment), text).unwrap();
    }

    fn findings(&self) -> Vec<String> {
        let verified = self.verified();
        verified.findings.iter().map(ToString::to_string).collect()
    }

    fn verified(&self) -> Verified {
        Reader::open(&self.place)
            .unwrap()
            .unwrap()
            .verify(&[])
            .unwrap()
    }

    fn records(&self) -> Vec<String> {
        let reader = Reader::open(&self.place).unwrap().unwrap();
        let latest = reader.latest(None, 100, |_| true).unwrap();
        latest
            .into_iter()
            .rev()
            .map(|record| record.object)
            .collect()
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(1_800_000_000_000_000_000))
}

fn act(number: u32) -> Act {
    Act::of(
        &Principal::anybody(),
        Action::Query,
        format!("question {number}"),
    )
}

#[test]
fn what_was_written_is_read_and_sound() {
    let bench = Bench::of_six();
    assert_eq!(bench.findings(), [""; 0]);
    let verified = bench.verified();
    assert_eq!(verified.records, 6);
    let reader = Reader::open(&bench.place).unwrap().unwrap();
    let page = reader.latest(Some(5), 2, |_| true).unwrap();
    let numbers: Vec<u64> = page.iter().map(|record| record.sequence).collect();
    assert_eq!(numbers, [4, 3]);
    let mut out = Vec::new();
    assert_eq!(reader.export(5, &mut out).unwrap(), 2);
    assert_eq!(String::from_utf8(out).unwrap().lines().count(), 2);
    let kept = verified.checkpoint.unwrap();
    assert_eq!(kept.to_string().parse::<Checkpoint>().unwrap(), kept);
    bench.writer().record(act(7)).unwrap();
    let later = Reader::open(&bench.place).unwrap().unwrap();
    assert!(later.verify(&[kept]).unwrap().findings.is_empty());
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(bench.place.segment(1)).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn every_change_of_any_record_is_found() {
    for segment in 1..=3 {
        for line in 0..2 {
            let bench = Bench::of_six();
            let mut lines = bench.lines(segment);
            lines[line] = lines[line].replace("question", "Question");
            bench.put_lines(segment, &lines);
            let found = bench.findings();
            assert_eq!(found.len(), 1, "{found:?}");
            let place = format!("00000{segment}.jsonl, line {}", line + 1);
            assert!(found[0].starts_with(&place), "{found:?}");
        }
    }
}

#[test]
fn every_flipped_bit_of_a_segment_is_found() {
    let bench = Bench::of_six();
    let sound = fs::read(bench.place.segment(2)).unwrap();
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(bench.place.segment(2), &bytes).unwrap();
        assert!(!bench.findings().is_empty(), "byte {at}");
    }
}

#[test]
fn removed_moved_and_added_records_are_found() {
    type Edit = fn(&mut Vec<String>);
    let edits: [(&str, Edit); 4] = [
        ("removed", |lines| drop(lines.remove(0))),
        ("removed at the end", |lines| drop(lines.pop())),
        ("reordered", |lines| lines.swap(0, 1)),
        ("doubled", |lines| lines.insert(1, lines[0].clone())),
    ];
    for (name, edit) in edits {
        for segment in 1..=3 {
            let bench = Bench::of_six();
            let mut lines = bench.lines(segment);
            edit(&mut lines);
            bench.put_lines(segment, &lines);
            assert!(!bench.findings().is_empty(), "{name} in {segment}");
        }
    }
    for segment in 1..=3 {
        let bench = Bench::of_six();
        fs::remove_file(bench.place.segment(segment)).unwrap();
        assert!(bench.findings()[0].contains("it is gone"));
    }
}

/// Who can write the files, but does not have the key, may chain everything anew.
#[test]
fn a_forged_chain_does_not_fit_the_head() {
    let bench = Bench::of_six();
    let kept = bench.verified().checkpoint.unwrap();
    let forged = Bench::new();
    let mut writer = forged.writer().with_segments_of(500);
    (1..=6).for_each(|number| writer.record(act(number + 3)).unwrap());
    for segment in 1..=3 {
        fs::copy(forged.place.segment(segment), bench.place.segment(segment)).unwrap();
    }
    assert_eq!(bench.findings().len(), 1, "the chain itself is sound");
    assert!(bench.findings()[0].starts_with("head: it ends with"));
    fs::copy(
        forged.place.folder.join("head"),
        bench.place.folder.join("head"),
    )
    .unwrap();
    assert!(
        bench
            .findings()
            .iter()
            .any(|found| found.contains("not sealed"))
    );
    fs::copy(&forged.place.secret, &bench.place.secret).unwrap();
    let reader = Reader::open(&bench.place).unwrap().unwrap();
    assert!(
        reader.verify(&[]).unwrap().findings.is_empty(),
        "with the key it can be forged"
    );
    let found = reader.verify(&[kept]).unwrap().findings;
    assert!(
        found[0].what.contains("checkpoint 6:"),
        "but not the checkpoint: {found:?}"
    );
}

#[test]
fn a_torn_end_is_taken_off_and_on_record() {
    let bench = Bench::new();
    let mut writer = bench.writer();
    writer.record(act(1)).unwrap();
    writer.record(act(2)).unwrap();
    let head_of_two = fs::read(bench.place.folder.join("head")).unwrap();
    let at_two = fs::read(bench.place.segment(1)).unwrap();
    writer.record(act(3)).unwrap();
    let at_three = fs::read(bench.place.segment(1)).unwrap();
    // A crash at any byte of the third record, before the head was written.
    for end in at_two.len()..=at_three.len() {
        fs::write(bench.place.segment(1), &at_three[..end]).unwrap();
        fs::write(bench.place.folder.join("head"), &head_of_two).unwrap();
        assert!(bench.findings().is_empty(), "beside a server: {end}");
        drop(bench.writer());
        let expect: &[&str] = match end - at_two.len() {
            0 => &["question 1", "question 2"],
            _ if end == at_three.len() => &["question 1", "question 2", "question 3"],
            torn => {
                let repaired = bench.records().pop().unwrap();
                assert_eq!(repaired, format!("{torn} bytes of an unfinished record"));
                &["question 1", "question 2"]
            }
        };
        let records = bench.records();
        assert_eq!(
            records.iter().take(expect.len()).collect::<Vec<_>>(),
            expect,
            "{end}"
        );
        assert!(bench.findings().is_empty(), "{end}");
    }
}

#[test]
fn what_the_head_knows_is_never_taken_for_torn() {
    let bench = Bench::of_six();
    let sound = fs::read(bench.place.segment(3)).unwrap();
    for end in 0..sound.len() {
        fs::write(bench.place.segment(3), &sound[..end]).unwrap();
        let refused = bench.try_writer().err().unwrap_or_else(|| panic!("{end}"));
        assert!(
            matches!(refused, TrailError::Damaged(_)),
            "{end}: {refused}"
        );
        assert_eq!(
            fs::read(bench.place.segment(3)).unwrap(),
            &sound[..end],
            "left alone"
        );
    }
    fs::write(bench.place.segment(3), &sound).unwrap();
    fs::remove_file(bench.place.folder.join("head")).unwrap();
    assert!(matches!(bench.try_writer(), Err(TrailError::Damaged(_))));
}

#[test]
fn two_writers_take_turns() {
    let bench = Bench::new();
    let (mut one, mut other) = (bench.writer(), bench.writer());
    for number in 1..=10 {
        let writer = if number % 3 == 0 {
            &mut other
        } else {
            &mut one
        };
        writer.record(act(number)).unwrap();
    }
    assert_eq!((bench.records().len(), bench.findings().len()), (10, 0));
}

#[tokio::test]
async fn a_server_refuses_what_it_cannot_record() {
    let bench = Bench::new();
    let trail = Arc::new(Trail::open(bench.place.clone(), clock()).unwrap());
    assert!(!bench.place.folder.exists(), "it begins with the first act");
    let many = (0..50).map(|number| {
        let trail = Arc::clone(&trail);
        tokio::spawn(async move { trail.record(act(number)).await })
    });
    for one in many.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    assert_eq!((bench.records().len(), bench.findings().len()), (50, 0));
    (0..100).for_each(|number| trail.note(act(number)));
    trail.record(act(1000)).await.unwrap();
    let reader = Reader::open(&bench.place).unwrap().unwrap();
    let last = reader.latest(None, 1, |_| true).unwrap().remove(0);
    assert_eq!(
        (last.sequence, last.omitted),
        (71, 80),
        "20 of 100 are on record"
    );
    fs::remove_file(bench.place.segment(1)).unwrap();
    fs::create_dir(bench.place.segment(1)).unwrap();
    let again = Trail::open(bench.place.clone(), clock());
    assert!(again.is_err(), "what is damaged is not written on");
    assert!(bench.folder.path().exists());
}

#[test]
fn a_failed_write_refuses_and_leaves_the_trail_sound() {
    let bench = Bench::new();
    let mut writer = bench.writer().with_segments_of(1);
    writer.record(act(1)).unwrap();
    fs::create_dir(bench.place.segment(2)).unwrap();
    assert!(writer.record(act(2)).is_err());
    fs::remove_dir(bench.place.segment(2)).unwrap();
    writer.record(act(3)).unwrap();
    assert_eq!(bench.records(), ["question 1", "question 3"]);
    assert!(bench.findings().is_empty());
}
