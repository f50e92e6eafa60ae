//! `tallybook redact --dry-run`: what a policy would change in what is stored.
//!
//! Invariant: nothing is changed, and no secret is printed: a sample shows the mask, and of what
//! stands around it only which kinds of characters there are.
//!
//! | file | what is in it |
//! |---|---|
//! | `stored.rs` | what is stored, hour by hour, from a server or a data directory |
//! | `trial.rs` | the policy at work on stored rows, and what it would do |
//! | `print.rs` | the findings for people and for machines |

mod print;
mod stored;
mod trial;

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{io_runtime, say, start_logging};
use crate::cli::{LogArgs, RedactArgs};
use crate::failure::Failure;
use crate::redaction::policy_of;
use crate::settings::Settings;
use stored::{Stored, VIEWS};
use trial::Trial;

/// Pseudonyms and hashes of a trial are compared with nothing, so any key does.
const TRIAL_KEY: [u8; 32] = [0; 32];

pub(crate) fn run(args: &RedactArgs, log: &LogArgs) -> Result<(), Failure> {
    start_logging(log)?;
    let settings = Settings::read(args.config.as_deref())?;
    settings.check()?;
    let trial = io_runtime()?.block_on(examine(args, &settings))?;
    say(&print::findings(&trial, args.format)?)
}

async fn examine(args: &RedactArgs, settings: &Settings) -> Result<Trial, Failure> {
    let stored = Stored::open(args).await?;
    // By the directory's own key, where there is one, what is pseudonymised already stays.
    let policy = match &args.data_dir {
        Some(dir) => policy_of(&settings.redaction, dir)?,
        None => settings
            .redaction
            .policy(&TRIAL_KEY)
            .map_err(|problems| Failure::usage(problems.join("\n")))?,
    };
    let mut trial = Trial::new(policy);
    let hours = stored.hours().await?;
    let bar = progress_bar(hours.iter().map(|hour| hour.rows).sum());
    for hour in &hours {
        bar.set_message(format!("{} of {}", VIEWS[hour.view].name, hour.said()));
        stored
            .each_row(hour, &mut |row| {
                trial.row(&VIEWS[hour.view], &row);
                bar.inc(1);
            })
            .await?;
    }
    bar.finish_and_clear();
    Ok(trial)
}

fn progress_bar(rows: u64) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(rows), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent} % {msg}, {eta} left") {
        bar.set_style(style);
    }
    bar
}
