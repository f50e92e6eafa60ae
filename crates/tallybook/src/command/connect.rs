//! `tallybook connect`: what to paste where, a token for it, and a wait for the first event.
//!
//! The texts are those of the API (`api::guide`); who was turned away is asked of the running server.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use access::tokens::{NewToken, Scope};
use api::{Guide, TOKEN};
use serde::Deserialize;
use serde_json::json;

use super::token::Book;
use super::{io_runtime, say, start_logging};
use crate::cli::{ConnectArgs, LogArgs, Place, PlainFormat};
use crate::client::{self, Target};
use crate::failure::Failure;
use crate::plain::printable;

/// How often the server is asked.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How long after the last new kind of event the wait goes on for the others.
const SETTLE: Duration = Duration::from_secs(10);
/// Longer answers of the door are cut on a terminal.
const TEXT_CHARS_MAX: usize = 300;

/// The parts of the server's status that are needed.
#[derive(Deserialize)]
struct Status {
    tls: bool,
    http: String,
}

/// What happened at the door.
#[derive(Deserialize)]
struct Door {
    now_ms: u64,
    hints: Vec<String>,
    events: Vec<Event>,
    knocks: Vec<Knock>,
}

#[derive(Deserialize)]
struct Event {
    event: String,
}

#[derive(Deserialize)]
struct Knock {
    last_ms: u64,
    peer: String,
    transport: String,
    method: String,
    path: String,
    status: String,
    advice: String,
}

/// The token that was made for the client.
struct Token {
    id: String,
    text: String,
}

pub(crate) fn run(args: &ConnectArgs, log: &LogArgs) -> Result<(), Failure> {
    start_logging(log)?;
    io_runtime()?.block_on(async {
        let endpoint = match &args.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => {
                let status = status(&args.target()?).await?;
                let scheme = if status.tls { "https" } else { "http" };
                format!("{scheme}://{}", status.http)
            }
        };
        let token = match args.no_token {
            true => None,
            false => Some(make(args).await?),
        };
        let guide = api::guide(args.client, &endpoint, token.is_some());
        print(&guide, token.as_ref())?;
        match args.no_wait {
            true => Ok(()),
            false => Wait::begin(args, token).await?.run().await,
        }
    })
}

async fn status(target: &Target) -> Result<Status, Failure> {
    read(&client::get(target, &["api", "v1", "status"]).await?)
}

fn read<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::failed(format!("the server's answer is not understood: {error}")))
}

/// Makes the token, in the data directory or by the server.
async fn make(args: &ConnectArgs) -> Result<Token, Failure> {
    let slot = args
        .slot
        .clone()
        .unwrap_or_else(|| args.client.name().to_owned());
    if let Some(dir) = &args.data_dir {
        let book = Book::of(&Place {
            data_dir: Some(dir.clone()),
            config: None,
            format: PlainFormat::Text,
        })?;
        let scope = Scope {
            organization: args.organization.clone(),
            ..Scope::default()
        };
        let made = book.create(NewToken {
            slot,
            scope,
            ..NewToken::default()
        })?;
        return Ok(Token {
            id: made.token.id,
            text: made.text,
        });
    }
    #[derive(Deserialize)]
    struct Made {
        text: String,
        token: Row,
    }
    #[derive(Deserialize)]
    struct Row {
        id: String,
    }
    let wish = json!({"slot": slot, "organization": args.organization});
    let made: Made = read(&client::post_json(&args.target()?, "/api/v1/tokens", &wish).await?)?;
    Ok(Token {
        id: made.token.id,
        text: made.text,
    })
}

fn print(guide: &Guide, token: Option<&Token>) -> Result<(), Failure> {
    let mut lines = vec![format!("{}: {}", guide.title, guide.place)];
    for step in &guide.steps {
        let text = match token {
            Some(token) => step.text.replace(TOKEN, &token.text),
            None => step.text.clone(),
        };
        let text = if text.is_empty() {
            "(leave it empty)"
        } else {
            &text
        };
        lines.push(format!("\n{}:\n", step.label));
        lines.extend(text.lines().map(|line| format!("  {line}")));
    }
    if let Some(token) = token {
        lines.push(format!(
            "\nThe token, {}, is shown only now; `tallybook token revoke {0}` ends it.",
            token.id
        ));
    }
    lines.push(String::new());
    lines.extend(guide.notes.iter().map(|note| format!("- {note}")));
    say(&lines.join("\n"))
}

/// A wait for the first events.
struct Wait<'a> {
    args: &'a ConnectArgs,
    token: Option<Token>,
    /// Since when the server counts, by its clock.
    since_ms: u64,
    /// Failures that are said.
    said: BTreeSet<(String, String, String)>,
    hinted: BTreeSet<String>,
    seen: BTreeSet<String>,
    all: Vec<String>,
}

impl<'a> Wait<'a> {
    async fn begin(args: &'a ConnectArgs, token: Option<Token>) -> Result<Wait<'a>, Failure> {
        let door = door(&args.target()?).await?;
        let wait = Wait {
            args,
            token,
            since_ms: door.now_ms,
            said: BTreeSet::new(),
            hinted: BTreeSet::new(),
            seen: BTreeSet::new(),
            all: door.events.into_iter().map(|event| event.event).collect(),
        };
        say(&format!(
            "\nWaiting for the first event ({} at most; Ctrl-C ends it, nothing is lost) …",
            humane(args.timeout.ms)
        ))?;
        Ok(wait)
    }

    async fn run(mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        let mut last_new = begun;
        let timeout = Duration::from_millis(self.args.timeout.ms);
        loop {
            self.tell_of_door().await?;
            if self.tick().await? {
                last_new = Instant::now();
            }
            let is_whole = self.seen.len() == self.all.len();
            if is_whole || (!self.seen.is_empty() && last_new.elapsed() >= SETTLE) {
                return self.tell_the_end();
            }
            if self.seen.is_empty() && begun.elapsed() >= timeout {
                return Err(Failure::failed(self.nothing_came()));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Says what is new at the door.
    async fn tell_of_door(&mut self) -> Result<(), Failure> {
        let door = door(&self.args.target()?).await?;
        for knock in door.knocks.iter().rev() {
            if knock.last_ms >= self.since_ms && self.said.insert(knock.key()) {
                knock.tell()?;
            }
        }
        for hint in door.hints {
            if self.hinted.insert(hint.clone()) {
                say(&format!("  ! {hint}"))?;
            }
        }
        Ok(())
    }

    /// Ticks the kinds of events that have come since; whether there is a new one.
    async fn tick(&mut self) -> Result<bool, Failure> {
        #[derive(Deserialize)]
        struct Row {
            event: String,
        }
        let names: Vec<String> = self.all.iter().map(|name| format!("'{name}'")).collect();
        let own = self
            .token
            .as_ref()
            .map(|token| format!(" AND token = '{}'", token.id));
        let sql = format!(
            "SELECT DISTINCT event FROM events WHERE received_at >= to_timestamp_millis({}) AND event IN ({}){}",
            self.since_ms,
            names.join(", "),
            own.unwrap_or_default()
        );
        let rows = client::post_json(
            &self.args.target()?,
            "/api/v1/query",
            &json!({ "sql": sql }),
        )
        .await?;
        let rows: Vec<Row> = read(&rows)?;
        let mut is_new = false;
        for row in rows {
            if self.seen.insert(row.event.clone()) {
                is_new = true;
                say(&format!("  ✓ {}", row.event))?;
            }
        }
        Ok(is_new)
    }

    fn tell_the_end(&self) -> Result<(), Failure> {
        let missing: Vec<&str> = self
            .all
            .iter()
            .filter(|name| !self.seen.contains(*name))
            .map(String::as_str)
            .collect();
        match missing.is_empty() {
            true => say("All five kinds of events have come."),
            false => say(&format!(
                "Events have come. Not yet seen: {}; they come when there is a tool or an error to report.",
                missing.join(", ")
            )),
        }
    }

    fn nothing_came(&self) -> String {
        let waited = humane(self.args.timeout.ms);
        let why = match self.said.is_empty() && self.hinted.is_empty() {
            true => {
                "nothing knocked at the door either: is the endpoint right, can the client reach it, was it started again?"
            }
            false => "what is wrong is said above, or `curl URL/api/v1/door` tells it",
        };
        format!("no event came within {waited}; {why}")
    }
}

impl Knock {
    /// What makes two of them the same.
    fn key(&self) -> (String, String, String) {
        let asked = format!("{} {} {}", self.transport, self.method, self.path);
        (self.peer.clone(), asked, self.advice.clone())
    }

    fn tell(&self) -> Result<(), Failure> {
        let asked = format!("{} {}", self.method, self.path);
        say(&format!(
            "  ! {} over {} from {}: {}: {}",
            self.status,
            self.transport,
            self.peer,
            printable(asked.trim(), TEXT_CHARS_MAX),
            printable(&self.advice, TEXT_CHARS_MAX)
        ))
    }
}

async fn door(target: &Target) -> Result<Door, Failure> {
    read(&client::get(target, &["api", "v1", "door"]).await?)
}

fn humane(ms: u64) -> String {
    match ms / 1_000 {
        seconds if seconds >= 120 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}
