//! Files damaged between two runs: what is undamaged is served, and what is not is named.
//!
//! Whatever was damaged is put back in the end, and then everything is there again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use testkit::{Launch, Problem, until, wait_for};

use crate::batch::Clients;
use crate::dice::Dice;
use crate::ledger::Shared;
use crate::oracle::is_retryable;
use crate::scene::{Scene, Stand, UNFLUSHED};

const PATIENCE: Duration = Duration::from_secs(20);
const ITEMS: u64 = 3;
const BATCHES: u64 = 24;

/// Sends one new batch until it is taken.
pub(crate) async fn deliver_until_taken(clients: &Clients, ledger: &Shared) -> Result<(), Problem> {
    let batch = ledger.lock().issue(ITEMS, 60);
    let client = clients.over(batch.lane.transport);
    until(PATIENCE, "a batch to be acknowledged", async || {
        let answer = batch.send(client).await?;
        match answer.is_success() {
            true => Ok(Some(())),
            false if is_retryable(&answer) => Ok(None),
            false => Err(Problem::new(format!("refused for good: {answer:?}"))),
        }
    })
    .await?;
    ledger.lock().acknowledge(&batch);
    Ok(())
}

/// The journal frames of items that were sent one batch after the other, from the first frame on.
pub(crate) fn frames_of(ledger: &Shared, numbers: &[u64]) -> BTreeSet<u64> {
    let ledger = ledger.lock();
    let lost: BTreeSet<u64> = numbers.iter().copied().collect();
    let numbered = (1..).zip(ledger.batches());
    let hit = numbered.filter(|(_, (batch, _))| batch.numbers().any(|n| lost.contains(&n)));
    hit.map(|(frame, _)| frame).collect()
}

/// The frames that the server's log says are missing.
pub(crate) fn damaged_frames(log: &str) -> BTreeSet<u64> {
    let ranges = log.lines().filter_map(gap);
    ranges.flatten().collect()
}

/// `… Gap { first: Sequence(3), last: Sequence(7) }`, or other words around the two numbers.
fn gap(line: &str) -> Option<std::ops::RangeInclusive<u64>> {
    let (_, after) = line
        .split_once("Gap {")
        .or_else(|| line.split_once("frames "))?;
    let mut numbers = after
        .split(|letter: char| !letter.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok());
    let first = numbers.next()?;
    Some(first..=numbers.next().unwrap_or(first))
}

/// A server that was killed with several segments in its journal, and nothing in parts.
async fn with_segments(scene: &Arc<Scene>, name: &str) -> Result<Stand, Problem> {
    let mut stand = Stand::new(scene, name, |launch| launch, UNFLUSHED)?;
    for _ in 0..3 {
        stand.start()?;
        let clients = Clients::of(stand.server()?.addresses())?;
        for _ in 0..BATCHES / 3 {
            deliver_until_taken(&clients, &stand.ledger).await?;
        }
        stand.server()?.kill()?;
    }
    Ok(stand)
}

/// A server that was terminated, so that everything is in parts.
async fn with_parts(scene: &Arc<Scene>, name: &str, flushes: u64) -> Result<Stand, Problem> {
    let mut stand = Stand::new(scene, name, |launch| launch, UNFLUSHED)?;
    for _ in 0..flushes {
        stand.start()?;
        let clients = Clients::of(stand.server()?.addresses())?;
        for _ in 0..BATCHES / 2 {
            deliver_until_taken(&clients, &stand.ledger).await?;
        }
        stand.server()?.terminate()?;
    }
    Ok(stand)
}

/// A bit of the journal flips, or a segment is cut off, the last or one before it: only the frames
/// that were hit are gone, they are reported unless they were the last, and the server goes on.
pub(crate) async fn journal(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    for cycle in 0..scene.cycles {
        let name = format!("cycle-{cycle}");
        let mut stand = with_segments(&scene, &name).await?;
        let segments = files_in(&stand.data_dir()?.join("journal"))?;
        let is_cut = dice.once_in(2);
        let path = &segments[dice.below(segments.len() as u64) as usize];
        let whole = fs::read(path)?;
        let place = dice.below(whole.len() as u64) as usize;
        match is_cut {
            true => fs::write(path, &whole[..place])?,
            false => flip(path, place, &mut dice)?,
        }
        let harm = if is_cut { "cut" } else { "flipped" };
        let what = format!("{} {harm} at byte {place}", path.display());
        stand
            .start()
            .map_err(|problem| problem.while_doing(&what))?;
        let finding = stand.look().await?;
        let lost = frames_of(&stand.ledger, &finding.lost);
        let reported = damaged_frames(&stand.server()?.log());
        if before_the_end(&lost) != reported || (!is_cut && lost.len() > 1) {
            let said = format!("{what}: frames {lost:?} are lost, the log tells of {reported:?}");
            return Err(Problem::new(said));
        }
        for number in &finding.lost {
            stand.ledger.lock().forgive(*number);
        }
        let lost = finding.lost.len() as u64;
        scene.tally(|tally| tally.lost -= lost);
        stand.server()?.kill()?;
        stand.restart().await?;
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}

/// Without those at the very end: what is missing there looks like a write that never ended.
fn before_the_end(lost: &BTreeSet<u64>) -> BTreeSet<u64> {
    let is_at_the_end = |frame: &u64| (*frame..=BATCHES).all(|later| lost.contains(&later));
    let before = lost.iter().filter(|frame| !is_at_the_end(frame));
    before.copied().collect()
}

/// A part is damaged: questions that need it name it, and everything else goes on.
pub(crate) async fn part(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    for cycle in 0..scene.cycles {
        let name = format!("cycle-{cycle}");
        let mut stand = with_parts(&scene, &name, 1).await?;
        let parts = files_in(&stand.data_dir()?.join("parts/events"))?;
        let path = &parts[dice.below(parts.len() as u64) as usize];
        let whole = fs::read(path)?;
        flip(path, dice.below(whole.len() as u64) as usize, &mut dice)?;
        stand.start()?;
        let clients = Clients::of(stand.server()?.addresses())?;
        for _ in 0..9 {
            deliver_until_taken(&clients, &stand.ledger).await?;
        }
        let sql = stand.server()?.sql();
        sql.count("SELECT count(*) FROM metrics").await?;
        let question = "SELECT count(*), max(session_id), max(attributes) FROM events";
        let answer = sql.ask(question).await?;
        let said = format!(
            "{} {:?} {}",
            answer.status,
            answer.headers,
            String::from_utf8_lossy(&answer.body)
        );
        if !said.contains(&name_of(path)) {
            let said = format!("the answer does not name {}: {said}", path.display());
            return Err(Problem::new(said));
        }
        stand.server()?.kill()?;
        fs::write(path, whole)?;
        stand.restart().await?;
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}

/// The newest manifest is damaged: it alone, and its copy serves; or both, and the one before it serves
/// while the journal has what it covers; else the server refuses to start and names it.
pub(crate) async fn manifest(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    for cycle in 0..scene.cycles {
        let (is_covered, is_copy_hit) = (cycle % 3 == 0, cycle % 3 < 2);
        let name = format!("cycle-{cycle}");
        let mut stand = with_parts(&scene, &name, 2).await?;
        let data_dir = stand.data_dir()?;
        if is_covered {
            stand.start()?;
            let clients = Clients::of(stand.server()?.addresses())?;
            for _ in 0..BATCHES / 2 {
                deliver_until_taken(&clients, &stand.ledger).await?;
            }
            // As if the server had been killed between the manifest and the segments' end.
            let kept = scene.dir.join(&name).join("kept");
            copy(&data_dir.join("journal"), &kept)?;
            stand.server()?.terminate()?;
            copy(&kept, &data_dir.join("journal"))?;
        }
        let manifests = files_in(&data_dir.join("manifest"))?;
        let newest = manifests
            .last()
            .ok_or_else(|| Problem::new("there is no manifest"))?;
        let whole = fs::read(newest)?;
        flip(newest, dice.below(whole.len() as u64) as usize, &mut dice)?;
        if is_copy_hit {
            let copy = data_dir.join("manifest-copies").join(name_of(newest));
            flip(&copy, dice.below(whole.len() as u64) as usize, &mut dice)?;
        }
        if is_covered || !is_copy_hit {
            stand.restart().await?;
        } else {
            stand.drop_server();
            let told = told_of_damage(&stand.launch, newest).await?;
            names(&told, newest)?;
            if let Damaged::Served(_) = told {
                let said = "the server serves less than it had acknowledged";
                return Err(Problem::new(said));
            }
            fs::write(newest, whole)?;
            stand.restart().await?;
        }
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}

/// The identities of a flush are damaged: one of both copies, and the other serves; or both, and the
/// server says which file and takes nothing until it is restored. Nothing is ever doubled.
pub(crate) async fn identities(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    for cycle in 0..scene.cycles {
        let name = format!("cycle-{cycle}");
        let mut stand = with_parts(&scene, &name, 2).await?;
        let mut files = files_in(&stand.data_dir()?.join("identities"))?;
        files.retain(|file| file.extension().is_some_and(|kind| kind == "ids"));
        let first = files[dice.below(files.len() as u64) as usize].clone();
        let second = PathBuf::from(format!("{}.copy", first.display()));
        let whole = fs::read(&first)?;
        let (is_first_hit, is_second_hit) =
            [(true, true), (true, false), (false, true)][cycle as usize % 3];
        for (path, is_hit) in [(&first, is_first_hit), (&second, is_second_hit)] {
            if is_hit {
                flip(path, dice.below(whole.len() as u64) as usize, &mut dice)?;
            }
        }
        stand.start()?;
        if is_first_hit {
            wait_for(PATIENCE, "the file to be named", || {
                let log = stand.server().ok()?.log();
                log.contains(&name_of(&first)).then_some(())
            })?;
        }
        if is_first_hit && is_second_hit {
            takes_nothing(&mut stand).await?;
            fs::write(&first, whole)?;
        }
        stand.server()?.kill()?;
        stand.start()?;
        repeat_everything(&mut stand).await?;
        stand.examine().await?;
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}

/// Sends one new batch, which must be refused for now.
async fn takes_nothing(stand: &mut Stand) -> Result<(), Problem> {
    let clients = Clients::of(stand.server()?.addresses())?;
    let batch = stand.ledger.lock().issue(ITEMS, 60);
    let answer = batch.send(clients.over(batch.lane.transport)).await?;
    match is_retryable(&answer) {
        true => Ok(()),
        false => Err(Problem::new(format!("it answers {answer:?}"))),
    }
}

/// Sends every acknowledged batch again.
pub(crate) async fn repeat_everything(stand: &mut Stand) -> Result<(), Problem> {
    let clients = Clients::of(stand.server()?.addresses())?;
    let batches: Vec<_> = stand
        .ledger
        .lock()
        .batches()
        .map(|(batch, _)| *batch)
        .collect();
    for batch in batches {
        let answer = batch.send(clients.over(batch.lane.transport)).await?;
        if !answer.is_success() {
            return Err(Problem::new(format!(
                "a repetition was refused: {answer:?}"
            )));
        }
    }
    Ok(())
}

/// What a server made of a damaged directory, with its words.
enum Damaged {
    /// It answers questions.
    Served(String),
    /// It did not start, ended soon after, or waits for the file to be mended.
    Refused(String),
}

/// What the server makes of its directory, one file of which is damaged.
async fn told_of_damage(launch: &Launch, path: &Path) -> Result<Damaged, Problem> {
    let mut server = match launch.clone().start() {
        Ok(server) => server,
        Err(problem) => return Ok(Damaged::Refused(problem.to_string())),
    };
    let sql = server.sql();
    let told = until(PATIENCE, "the server to answer or to refuse", async || {
        // A question waits until everything is there again; whether it is ready to take is another.
        let answer = sql.ask("SELECT count(*) FROM events").await;
        let is_answered = answer.is_ok_and(|answer| answer.status == 200);
        let (log, has_ended) = (server.log(), server.ended()?.is_some());
        if is_answered {
            return Ok(Some(Damaged::Served(log)));
        }
        let is_refused = has_ended || log.contains(&name_of(path));
        Ok(is_refused.then_some(Damaged::Refused(log)))
    });
    let told = told.await;
    told.map_err(|problem| problem.while_doing(server.log()))
}

/// Fails unless the file is named.
fn names(told: &Damaged, path: &Path) -> Result<(), Problem> {
    let (Damaged::Served(words) | Damaged::Refused(words)) = told;
    match words.contains(&name_of(path)) {
        true => Ok(()),
        false => Err(Problem::new(format!(
            "{} is not named in {words}",
            path.display()
        ))),
    }
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Flips one bit of a byte.
fn flip(path: &Path, place: usize, dice: &mut Dice) -> Result<(), Problem> {
    let mut bytes = fs::read(path)?;
    bytes[place] ^= 1 << dice.below(8);
    Ok(fs::write(path, bytes)?)
}

/// All files under a folder, by name.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(Problem::new(format!(
            "there is no file in {}",
            folder.display()
        ))),
        false => Ok(files),
    }
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) -> Result<(), Problem> {
    fs::create_dir_all(to)?;
    for file in files_in(from)? {
        fs::copy(&file, to.join(file.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_frames_are_read_from_a_log() {
        let log = "\
2026-11-28T06:00:00Z ERROR d: journal damaged: Gap { first: Sequence(3), last: Sequence(5) }
2026-11-28T06:00:00Z ERROR d: journal damaged: Damage { segment: \"journal-1.seg\", offset: 64 }
2026-11-28T06:00:00Z ERROR d: journal damaged: Gap { first: Sequence(9), last: Sequence(9) }
";
        assert_eq!(damaged_frames(log), BTreeSet::from([3, 4, 5, 9]));
        assert_eq!(damaged_frames("2026 INFO 12 requests"), BTreeSet::new());
    }
}
