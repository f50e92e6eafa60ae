//! Millions of events on disk, and questions to them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::{ClientVersion, Transport, Truth};
use otlp::Encoding;
use testkit::{Launch, Problem, Server};
use tokio::sync::Mutex;

use crate::arguments::Arguments;
use crate::corpus::Corpus;
use crate::gauge::{self, MemoryWatch};
use crate::load::{CONNECTIONS, Crowd, Lane, Seen, send};
use crate::question::{self, Question, Took};
use crate::report::Report;

const BATCH: usize = 500;
const LANE: &Lane = &Lane {
    transport: Transport::Http,
    encoding: Encoding::Protobuf,
};
const HOT_RUNS: usize = 5;

/// Events on disk, and how long questions to them take.
#[derive(Clone, Debug)]
pub(crate) struct Archive {
    pub(crate) client: ClientVersion,
    pub(crate) seen: Seen,
    /// CPU time of the server from start to end, the last flush included.
    pub(crate) cpu_to_parts: Duration,
    pub(crate) peak_memory_intake: u64,
    pub(crate) peak_memory_questions: u64,
    /// Bytes by folder of the data directory.
    pub(crate) folders: Vec<(String, u64)>,
    pub(crate) parts: usize,
    /// How long the server took from its start on this data until it accepted.
    pub(crate) start: Duration,
    /// Whether the parts were out of the page cache when a question was cold.
    pub(crate) is_cache_dropped: bool,
    pub(crate) answers: Vec<Answered>,
}

/// The times of one question.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) what: &'static str,
    pub(crate) cold: Took,
    /// The median of some runs after the first.
    pub(crate) hot: Took,
}

impl Archive {
    pub(crate) fn bytes_per_event(&self) -> f64 {
        self.folders.iter().map(|(_, bytes)| bytes).sum::<u64>() as f64 / self.seen.events as f64
    }

    pub(crate) fn part_bytes_per_event(&self) -> f64 {
        let parts = self.folders.iter().filter(|(name, _)| name == "parts");
        parts.map(|(_, bytes)| bytes).sum::<u64>() as f64 / self.seen.events as f64
    }
}

/// Fills a server, ends it, looks at its files, and asks its successor.
pub(crate) async fn measure(
    arguments: &Arguments,
    binary: &Path,
    client: ClientVersion,
    report: &mut Report,
) -> Result<(), Problem> {
    eprintln!("archive: {} events of {}", arguments.events, client.cli());
    let mut server = Launch::new(binary).start()?;
    if arguments.keep {
        eprintln!("archive: kept in {}", server.keep_files().display());
    }
    let memory = MemoryWatch::of(server.pid());
    let before = gauge::cpu_of_ended_children()?;
    let (seen, truth) = fill(&server, arguments.events, client).await?;
    server.terminate()?;
    let peak_memory_intake = memory.peak()?;
    let cpu_to_parts = gauge::cpu_of_ended_children()?.saturating_sub(before);
    let folders = folders(&server.data_dir())?;
    let parts = gauge::files_under(&server.data_dir().join("parts"))?.len();
    let started = Instant::now();
    server.restart()?;
    let start = started.elapsed();
    question::check_totals(&server.sql(), &truth).await?;
    let questions = question::all(&truth)?;
    let mut answers = Vec::new();
    let mut is_cache_dropped = true;
    for question in &questions {
        let (answered, is_dropped) = ask(&mut server, question, &truth).await?;
        is_cache_dropped &= is_dropped;
        answers.push(answered);
    }
    // One server that answers all of them, one after the other: the most memory they take.
    server.terminate()?;
    server.restart()?;
    let memory = MemoryWatch::of(server.pid());
    for question in &questions {
        // What it cannot answer has been noted.
        let _ = question.ask(&server.sql(), &truth).await?;
    }
    server.terminate()?;
    let peak_memory_questions = memory.peak()?;
    report.archives.push(Archive {
        client,
        seen,
        cpu_to_parts,
        peak_memory_intake,
        peak_memory_questions,
        folders,
        parts,
        start,
        is_cache_dropped,
        answers,
    });
    Ok(())
}

async fn fill(
    server: &Server,
    events: u64,
    client: ClientVersion,
) -> Result<(Seen, Truth), Problem> {
    let corpus = Corpus {
        client,
        events,
        batch: BATCH,
        encoding: Encoding::Protobuf,
    };
    let stream = corpus.stream()?;
    let bodies = Arc::new(Mutex::new(stream.bodies));
    let seen = send(server, Crowd::closed(LANE, CONNECTIONS), bodies).await?;
    let truth = stream.truth.await?;
    if seen.events != truth.events {
        let said = format!("{} events acknowledged of {}", seen.events, truth.events);
        return Err(Problem::new(said));
    }
    Ok((seen, truth))
}

/// Once after a new start with the parts out of the page cache, then again and again.
async fn ask(
    server: &mut Server,
    question: &Question,
    truth: &Truth,
) -> Result<(Answered, bool), Problem> {
    server.terminate()?;
    let is_dropped = drop_from_cache(&server.data_dir())?;
    server.restart()?;
    let sql = server.sql();
    let what = question.what;
    let cold = question.ask(&sql, truth).await?;
    let mut times = Vec::new();
    let mut refusal = None;
    for _ in 0..HOT_RUNS {
        match question.ask(&sql, truth).await? {
            Ok(took) => times.push(took),
            Err(said) => refusal = Some(said),
        }
    }
    times.sort_unstable();
    let hot = match refusal {
        None => Ok(times[HOT_RUNS / 2]),
        Some(said) => Err(said),
    };
    eprintln!("  {what}: {cold:?} cold, {hot:?} hot");
    Ok((Answered { what, cold, hot }, is_dropped))
}

fn folders(data_dir: &Path) -> Result<Vec<(String, u64)>, Problem> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(data_dir)? {
        let entry = entry?;
        if entry.metadata()?.is_dir() {
            let name = entry.file_name().to_string_lossy().into_owned();
            folders.push((name, gauge::bytes_under(&entry.path())?));
        }
    }
    folders.sort();
    Ok(folders)
}

/// Asks the system to forget these files' pages, and nobody else's; `dd` of coreutils can do that.
fn drop_from_cache(data_dir: &Path) -> Result<bool, Problem> {
    let mut is_dropped = true;
    for (path, _) in gauge::files_under(data_dir)? {
        let forgotten = Command::new("dd")
            .arg(format!("if={}", path.display()))
            .args(["iflag=nocache", "count=0"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        is_dropped &= forgotten.is_ok_and(|status| status.success());
    }
    Ok(is_dropped)
}
