//! `tallybook erase`: everything that is stored of a person goes, and a certificate says so.
//!
//! It exits with 0 only when the search of every byte found nothing any more; with 1 when the rows are gone
//! and something is left, which the certificate names.

mod refused;

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use access::audit::Action;
use query::{Asked, Engine};
use serde_json::{Value, json};
use store::{Certificate, Counts, Order, Whom};

use super::access::{Desk, put_on_record};
use super::{io_runtime, query as querying, say, start_logging};
use crate::barring::Barring;
use crate::cli::{DirArgs, EraseArgs, EraseCommand, LogArgs, PlainFormat};
use crate::client;
use crate::failure::Failure;
use crate::opening;
use crate::plain::printable;

/// How often a server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(250);

pub(crate) fn run(args: EraseArgs, log: &LogArgs) -> Result<(), Failure> {
    start_logging(log)?;
    if let Some(EraseCommand::Refused(command)) = args.command {
        return refused::run(command);
    }
    if !args.dry_run && !args.yes && !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "what is erased cannot be brought back: look at it by --dry-run, then say --yes",
        ));
    }
    if let Some(file) = args.certificate.as_deref().filter(|file| file.exists()) {
        return Err(Failure::usage(format!("{} exists already", file.display())));
    }
    let certificate = io_runtime()?.block_on(async {
        match &args.source.data_dir {
            Some(dir) => of_directory(&args, dir).await,
            None => of_server(&args).await,
        }
    })?;
    match certificate {
        Some(certificate) => conclude(&args, &certificate),
        None => Ok(()),
    }
}

async fn of_directory(args: &EraseArgs, dir: &Path) -> Result<Option<Certificate>, Failure> {
    let engine: Engine = querying::open(dir, args.source.config.as_deref()).await?;
    let key = opening::secret(dir)?.key(opening::ERASURE);
    let usual = engine.usual_organization().to_owned();
    engine.set_refuser(Arc::new(Barring::open(dir, &usual)?));
    let ended = engine
        .end_unfinished_erasure(&key)
        .await
        .map_err(Failure::failed)?;
    if let Some(ended) = ended {
        tracing::info!("the erasure {} has been ended first", ended.id);
    }
    let (whom, counts) = engine
        .plan_erasure(&asked(args)?)
        .await
        .map_err(Failure::failed)?;
    let ids = whom.ids.iter().cloned().collect::<Vec<_>>();
    if !agreed(args, &counts, &ids)? {
        return Ok(None);
    }
    engine.may_be_erased(&whom).await.map_err(Failure::failed)?;
    if args.and_account {
        remove_account(dir, &whom)?;
    }
    // On record is that somebody was erased, not who: the trail stays.
    let what = match args.and_refuse {
        true => "a person, and refuse what comes of them",
        false => "a person",
    };
    put_on_record(dir, Action::Erase, what.to_owned())?;
    let now_ms = engine.store().clock().now_unix_ns() / 1_000_000;
    let order = Order::new(whom, asked_by(), now_ms).map_err(Failure::failed)?;
    engine
        .erase(order, &key)
        .await
        .map(Some)
        .map_err(Failure::failed)
}

/// The account that is called as the person was asked for goes.
fn remove_account(dir: &Path, whom: &Whom) -> Result<(), Failure> {
    let dir = DirArgs {
        data_dir: Some(dir.to_owned()),
    };
    let desk = Desk::open(&dir)?;
    let register = desk.gate.register().map_err(Failure::failed)?;
    let account = register.account_to_erase(&whom.asked_for, &whom.ids);
    let Some(name) = account.map_err(Failure::failed)? else {
        return Ok(());
    };
    let what = "remove the account of who is erased";
    desk.on_record(Action::People, what.to_owned())?;
    desk.gate.remove(&name).map_err(Failure::failed)?;
    Ok(())
}

async fn of_server(args: &EraseArgs) -> Result<Option<Certificate>, Failure> {
    let target = args.source.target()?;
    let person = person(args)?;
    let body = |dry_run: bool| {
        json!({"person": person, "organization": args.organization,
               "with_mentions": args.with_mentions, "keep_aggregates": args.keep_aggregates,
               "and_account": args.and_account, "and_refuse": args.and_refuse,
               "dry_run": dry_run})
    };
    let plan = client::post_json(&target, "/api/v1/erase", &body(true)).await?;
    let plan: Value = serde_json::from_slice(&plan).map_err(Failure::failed)?;
    let counts: Counts =
        serde_json::from_value(plan["would_remove"].clone()).map_err(Failure::failed)?;
    let ids: Vec<String> =
        serde_json::from_value(plan["identities"].clone()).map_err(Failure::failed)?;
    if !agreed(args, &counts, &ids)? {
        return Ok(None);
    }
    let begun = client::post_json(&target, "/api/v1/erase", &body(false)).await?;
    let begun: Value = serde_json::from_slice(&begun).map_err(Failure::failed)?;
    let id = begun["id"].as_str().unwrap_or_default();
    loop {
        let standing = client::get(&target, &["api", "v1", "erasures", id]).await?;
        let standing: Value = serde_json::from_slice(&standing).map_err(Failure::failed)?;
        match standing["state"].as_str() {
            Some("running") => tokio::time::sleep(ASK_EVERY).await,
            Some("ended") => {
                let certificate = serde_json::from_value(standing["certificate"].clone());
                return certificate.map(Some).map_err(Failure::failed);
            }
            _ => {
                let reason = standing["detail"]
                    .as_str()
                    .unwrap_or("the server does not say why");
                return Err(Failure::failed(format!(
                    "the erasure {id} has failed: {reason}"
                )));
            }
        }
    }
}

/// Whom. The command line has somebody, or a subcommand.
fn person(args: &EraseArgs) -> Result<&str, Failure> {
    let person = args.person.as_deref();
    person.ok_or_else(|| Failure::usage("whom? tallybook erase PERSON"))
}

fn asked(args: &EraseArgs) -> Result<Asked, Failure> {
    Ok(Asked {
        person: person(args)?.to_owned(),
        organization: args.organization.clone(),
        with_mentions: args.with_mentions,
        token: None,
        keep_aggregates: args.keep_aggregates,
        and_account: args.and_account,
        and_refuse: args.and_refuse,
    })
}

/// Who asks: the user of the operating system, as far as it says.
fn asked_by() -> String {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    user.map_or_else(
        |_| "command line".to_owned(),
        |user| format!("command line, user {user}"),
    )
}

/// Says what would go, and whether it shall.
fn agreed(args: &EraseArgs, counts: &Counts, ids: &[String]) -> Result<bool, Failure> {
    if args.dry_run && args.format == PlainFormat::Json {
        let plan = json!({"would_remove": counts, "identities": ids});
        say(&serde_json::to_string_pretty(&plan).map_err(Failure::failed)?)?;
        return Ok(false);
    }
    let plan = describe(counts, ids);
    if args.dry_run {
        say(&plan)?;
        return Ok(false);
    }
    if args.yes {
        return Ok(true);
    }
    let mut err = std::io::stderr();
    let asked = write!(err, "{plan}\nThis cannot be undone. Erase? Type yes: ");
    asked.and_then(|()| err.flush()).map_err(Failure::failed)?;
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(Failure::failed)?;
    match line.trim() {
        "yes" => Ok(true),
        _ => Err(Failure::failed("nothing was erased")),
    }
}

fn describe(counts: &Counts, ids: &[String]) -> String {
    let list = |counts: &std::collections::BTreeMap<String, u64>| {
        let counts = counts.iter().map(|(name, count)| format!("{count} {name}"));
        counts.collect::<Vec<_>>().join(", ")
    };
    let time = |ms: Option<i64>| {
        let iso = ms.and_then(|ms| contract::iso_millis(ms.try_into().ok()?));
        iso.map_or("-".to_owned(), |iso| {
            String::from_utf8_lossy(&iso).into_owned()
        })
    };
    let mut lines = vec![
        format!(
            "would remove   {} items: {}",
            counts.total(),
            list(&counts.items)
        ),
        format!("in views       {}", list(&counts.views)),
        format!(
            "from           {} to {}",
            time(counts.first_ms),
            time(counts.last_ms)
        ),
        format!(
            "identities     {}; {} sessions and {} installations that are nobody else's",
            ids.iter()
                .map(|id| printable(id, 100))
                .collect::<Vec<_>>()
                .join(", "),
            counts.sessions,
            counts.installations
        ),
    ];
    if counts.mentions > 0 {
        lines.push(format!(
            "of these       {} items only mention them",
            counts.mentions
        ));
    }
    lines.join("\n")
}

fn conclude(args: &EraseArgs, certificate: &Certificate) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(certificate).map_err(Failure::failed)?;
    if let Some(file) = &args.certificate {
        let mut options = OpenOptions::new();
        let written = options
            .write(true)
            .create_new(true)
            .open(file)
            .and_then(|mut file| {
                file.write_all(json.as_bytes())?;
                file.sync_all()
            });
        // What is erased is erased: the certificate is in the data directory, too.
        written.map_err(|error| {
            Failure::failed(format!(
                "erased, but {} cannot be written: {error}; the certificate is erasure/{}.json of the data directory",
                file.display(),
                certificate.id
            ))
        })?;
    }
    match args.format {
        PlainFormat::Json => say(&json)?,
        PlainFormat::Text => say(&certificate.text())?,
    }
    match certificate.is_verified() {
        true => Ok(()),
        false => Err(Failure::Said(1)),
    }
}
