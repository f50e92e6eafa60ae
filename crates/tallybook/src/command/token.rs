//! `tallybook token`: ingest tokens in a data directory, with or without a server that runs on it.
//!
//! The book of tokens is outside what the directory's lock guards; a running server sees a change
//! within a second.

use std::collections::BTreeMap;
use std::path::PathBuf;

use access::audit::Action;
use access::tokens::{
    BookError, Limits, MadeToken, NewToken, Rotation, Scope, Token, TokenBook, Use,
};
use api::TokenRow;
use base::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::access::put_on_record;
use super::{say, start_logging};
use crate::cli::{LogArgs, MakeArgs, Place, PlainFormat, RotateArgs, TokenCommand, TokenNameArgs};
use crate::failure::Failure;
use crate::plain;
use crate::settings::Settings;

pub(crate) fn run(command: TokenCommand, log: &LogArgs) -> Result<(), Failure> {
    // That a token was made is on standard output already.
    let quiet = LogArgs {
        log_level: log.log_level.clone().or_else(|| Some("warn".to_owned())),
        log_format: log.log_format,
    };
    start_logging(&quiet)?;
    match command {
        TokenCommand::Create(args) => create(args),
        TokenCommand::List(place) => list(&place, None),
        TokenCommand::Show(args) => list(&args.place, Some(&args.name)),
        TokenCommand::Rotate(args) => rotate(&args),
        TokenCommand::Revoke(args) => revoke(&args),
    }
}

/// The tokens of a data directory, at one moment.
pub(crate) struct Book {
    dir: PathBuf,
    book: TokenBook,
    now_ms: u64,
}

impl Book {
    pub(crate) fn of(place: &Place) -> Result<Book, Failure> {
        let mut settings = Settings::read(place.config.as_deref())?;
        if let Some(dir) = &place.data_dir {
            settings.data_dir.clone_from(dir);
        }
        Ok(Book {
            book: TokenBook::of(&settings.data_dir),
            dir: settings.data_dir,
            now_ms: SystemClock::new().now_unix_ns() / 1_000_000,
        })
    }

    pub(crate) fn create(&self, new: NewToken) -> Result<MadeToken, Failure> {
        self.on_record(format!(
            "make token {} for {}",
            new.slot, new.scope.organization
        ))?;
        self.book.create(new, self.now_ms).map_err(failure)
    }

    /// Puts on record what is about to be done.
    fn on_record(&self, what: String) -> Result<(), Failure> {
        put_on_record(&self.dir, Action::Tokens, what)
    }

    fn rows(&self, tokens: &[Token]) -> Result<Vec<TokenRow>, Failure> {
        let used: BTreeMap<String, Use> = Use::written(&self.dir).map_err(Failure::failed)?;
        let row = |token: &Token| {
            let used = used.get(&token.id).copied().unwrap_or_default();
            TokenRow::of(token, used, self.now_ms)
        };
        Ok(tokens.iter().map(row).collect())
    }
}

fn failure(error: BookError) -> Failure {
    match error {
        BookError::Wrong(_) | BookError::NotFound(_) => Failure::usage(error),
        _ => Failure::failed(error),
    }
}

fn create(args: MakeArgs) -> Result<(), Failure> {
    let book = Book::of(&args.place)?;
    let is_any = args.organization_id.is_empty();
    let made = book.create(NewToken {
        slot: args.slot,
        scope: Scope {
            organization: args.organization,
            organization_ids: args.organization_id,
            products: args.product,
            signals: args.signal,
            people: args.person,
            networks: args.network,
        },
        limits: Limits {
            items_per_day: args.items_per_day,
            bytes_per_day: args.size_per_day.map(|size| size.as_usize() as u64),
            requests_per_minute: args.requests_per_minute,
        },
        expires_ms: args.expires.map(|lasting| book.now_ms + lasting.ms),
    })?;
    print_made(&book, &made, args.place.format)?;
    if is_any && args.place.format == PlainFormat::Text {
        say(
            "\nIts items may name any organization.id; bind it with --organization-id to keep others out.",
        )?;
    }
    Ok(())
}

fn rotate(args: &RotateArgs) -> Result<(), Failure> {
    let book = Book::of(&args.place)?;
    let rotation = Rotation {
        old_ends_ms: book.now_ms + args.overlap.ms,
        expires_ms: args.expires.map(|lasting| book.now_ms + lasting.ms),
    };
    book.on_record(format!("rotate token {}", args.slot))?;
    let made = book
        .book
        .rotate(&args.slot, rotation, book.now_ms)
        .map_err(failure)?;
    print_made(&book, &made, args.place.format)
}

fn revoke(args: &TokenNameArgs) -> Result<(), Failure> {
    let book = Book::of(&args.place)?;
    book.on_record(format!("revoke token {}", args.name))?;
    let ended = book.book.revoke(&args.name, book.now_ms).map_err(failure)?;
    print_rows(&book, &ended, args.place.format)
}

fn list(place: &Place, only: Option<&str>) -> Result<(), Failure> {
    let book = Book::of(place)?;
    let mut tokens = book.book.list().map_err(failure)?;
    if let Some(name) = only {
        tokens.retain(|token| token.id == name || token.slot == name);
        if tokens.is_empty() {
            return Err(failure(BookError::NotFound(name.to_owned())));
        }
    }
    print_rows(&book, &tokens, place.format)
}

fn print_made(book: &Book, made: &MadeToken, format: PlainFormat) -> Result<(), Failure> {
    if format == PlainFormat::Json {
        let mut row = row_of(book, &made.token)?;
        row["text"] = json!(made.text);
        let replaces = made.replaces.as_ref();
        row["replaces"] = replaces.map_or(Ok(Value::Null), |token| row_of(book, token))?;
        return say(&json!([row]).to_string());
    }
    let token = &made.token;
    let mut lines = vec![
        format!(
            "Token {} of slot {} writes for {}. It is shown only now:",
            token.id,
            token.slot,
            plain::printable(&token.scope.organization, usize::MAX)
        ),
        format!("\n  {}\n", made.text),
        "What to paste:".to_owned(),
        format!("  Cowork, OTLP headers         Authorization=Bearer {}", made.text),
        format!(
            "  Claude Code and other SDKs   OTEL_EXPORTER_OTLP_HEADERS='Authorization=Bearer {}'",
            made.text
        ),
        "  All of it, and a wait for the first event: tallybook connect cowork|claude-code|desktop --no-token".to_owned(),
    ];
    if let Some(old) = &made.replaces {
        let ends = old.expires_ms.map(moment).unwrap_or_default();
        lines.push(format!(
            "\nThe token in use, {}, ends {ends}: until then both are taken.",
            old.id
        ));
    }
    say(&lines.join("\n"))
}

fn row_of(book: &Book, token: &Token) -> Result<Value, Failure> {
    let rows = book.rows(std::slice::from_ref(token))?;
    serde_json::to_value(&rows[0]).map_err(Failure::failed)
}

fn print_rows(book: &Book, tokens: &[Token], format: PlainFormat) -> Result<(), Failure> {
    let rows = book.rows(tokens)?;
    if format == PlainFormat::Json {
        return say(&serde_json::to_string(&rows).map_err(Failure::failed)?);
    }
    if rows.is_empty() {
        return say(
            "There is no token yet: tallybook token create NAME --organization ORGANISATION",
        );
    }
    let texts: Vec<String> = rows.iter().map(described).collect();
    say(&texts.join("\n\n"))
}

/// A token, in lines.
fn described(row: &TokenRow) -> String {
    let mut lines = vec![format!(
        "{}  {}  {}  for {}",
        row.id,
        row.slot,
        row.standing,
        plain::printable(&row.organization, usize::MAX)
    )];
    let mut line = |what: &str, text: String| lines.push(format!("  {what:<17}{text}"));
    for (what, list) in [
        ("organization.id", &row.organization_ids),
        ("products", &row.products),
        ("signals", &row.signals),
        ("people", &row.people),
        ("networks", &row.networks),
    ] {
        if !list.is_empty() {
            line(what, plain::printable(&list.join(", "), usize::MAX));
        }
    }
    let limits = [
        (row.items_per_day, "items a day"),
        (row.bytes_per_day, "bytes a day"),
        (row.requests_per_minute.map(u64::from), "requests a minute"),
    ];
    for (limit, unit) in limits {
        if let Some(limit) = limit {
            line("at most", format!("{limit} {unit}"));
        }
    }
    line("made", moment(row.created_ms));
    for (what, ms) in [("ends", row.expires_ms), ("revoked", row.revoked_ms)] {
        if let Some(ms) = ms {
            line(what, moment(ms));
        }
    }
    line(
        "last used",
        row.last_used_ms.map_or("never".to_owned(), moment),
    );
    lines.join("\n")
}

fn moment(ms: u64) -> String {
    let text = contract::iso_millis(ms).map(|text| String::from_utf8_lossy(&text).into_owned());
    text.unwrap_or_else(|| "after the year 9999".to_owned())
}
