//! `cargo xtask check`: every check in order, going on after a failure, and a summary at the end.

use std::time::{Duration, Instant};

use crate::workspace::Workspace;
use crate::{advisories, beside, fuzz, prometheus, steps, tidy};

/// What a step that passed has to say in the summary, such as what it could not look at.
pub(crate) type Note = Option<String>;

struct Step {
    name: &'static str,
    run: fn(&Workspace) -> Result<Note, String>,
}

/// Cheap ones first, so that a slip is known in seconds.
const STEPS: [Step; 12] = [
    Step {
        name: "fmt",
        run: |workspace| steps::fmt(workspace).map(|()| None),
    },
    Step {
        name: "tidy",
        run: |workspace| tidy::run(workspace).map(|()| None),
    },
    Step {
        name: "clippy",
        run: |workspace| steps::clippy(workspace).map(|()| None),
    },
    Step {
        name: "deny",
        run: advisories::deny,
    },
    Step {
        name: "test",
        run: |workspace| steps::test(workspace).map(|()| None),
    },
    Step {
        name: "faults",
        run: |workspace| steps::faults(workspace).map(|()| None),
    },
    Step {
        name: "fuzz",
        run: |workspace| fuzz::run(workspace, &fuzz::Options::short()).map(|()| None),
    },
    Step {
        name: "web",
        run: |workspace| steps::web(workspace).map(|()| None),
    },
    Step {
        name: "browser",
        run: |workspace| steps::browser(workspace).map(|()| None),
    },
    Step {
        name: "docs",
        run: |workspace| steps::docs(workspace).map(|()| None),
    },
    Step {
        name: "prometheus",
        run: |workspace| {
            prometheus::check(workspace)?;
            beside::prometheus(workspace).map(|()| None)
        },
    },
    Step {
        name: "sdk",
        run: |workspace| beside::sdk(workspace).map(|()| None),
    },
];

/// Which steps of the check are to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    chosen: Vec<&'static str>,
}

impl Selection {
    /// Reads `--only a,b` and `--skip a,b` (also with `=`); the error says what is wrong with them.
    pub(crate) fn parse(arguments: &[String], in_ci: bool) -> Result<Self, String> {
        let mut only = Vec::new();
        let mut skip = Vec::new();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let (option, inline) = match argument.split_once('=') {
                Some((option, value)) => (option, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let list = match option {
                "--only" => &mut only,
                "--skip" if in_ci => return Err("--skip is refused when CI=true".to_owned()),
                "--skip" => &mut skip,
                _ => return Err(format!("`check` has no option `{argument}`")),
            };
            let value = inline.or_else(|| arguments.next().cloned());
            let value = value.ok_or_else(|| format!("{option} needs the name of a step"))?;
            for name in value.split(',') {
                list.push(step_name(name.trim())?);
            }
        }
        let chosen: Vec<_> = STEPS
            .iter()
            .map(|step| step.name)
            .filter(|name| (only.is_empty() || only.contains(name)) && !skip.contains(name))
            .collect();
        if chosen.is_empty() {
            return Err("this selection leaves no step to run".to_owned());
        }
        Ok(Self { chosen })
    }
}

fn step_name(name: &str) -> Result<&'static str, String> {
    let names = STEPS.iter().map(|step| step.name);
    names.clone().find(|known| *known == name).ok_or_else(|| {
        format!(
            "no step `{name}`; the steps are {}",
            names.collect::<Vec<_>>().join(", ")
        )
    })
}

struct Outcome {
    name: &'static str,
    /// Nothing when the step was left out.
    result: Option<Result<Note, String>>,
    took: Duration,
}

/// Runs the chosen steps; an error when any of them failed.
pub(crate) fn run(workspace: &Workspace, selection: &Selection) -> Result<(), String> {
    let left_out: Vec<_> = STEPS
        .iter()
        .map(|step| step.name)
        .filter(|name| !selection.chosen.contains(name))
        .collect();
    if !left_out.is_empty() {
        println!(
            "!! NOT CHECKED, left out on request: {}",
            left_out.join(", ")
        );
    }
    let mut outcomes = Vec::new();
    for step in &STEPS {
        if left_out.contains(&step.name) {
            outcomes.push(Outcome {
                name: step.name,
                result: None,
                took: Duration::ZERO,
            });
            continue;
        }
        println!("\n==== {} ====", step.name);
        let started = Instant::now();
        let result = (step.run)(workspace);
        let took = started.elapsed();
        match &result {
            Ok(None) => println!("==== {}: ok in {} ====", step.name, seconds(took)),
            Ok(Some(note)) => println!(
                "==== {}: PARTLY, in {}: {note} ====",
                step.name,
                seconds(took)
            ),
            Err(message) => println!(
                "{message}\n==== {}: FAILED after {} ====",
                step.name,
                seconds(took)
            ),
        }
        outcomes.push(Outcome {
            name: step.name,
            result: Some(result),
            took,
        });
    }
    print!("{}", summary(&outcomes));
    let failed: Vec<_> = outcomes
        .iter()
        .filter(|outcome| matches!(outcome.result, Some(Err(_))))
        .map(|outcome| outcome.name)
        .collect();
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("check failed: {}", failed.join(", ")))
    }
}

fn summary(outcomes: &[Outcome]) -> String {
    let mut text = String::from("\n==== summary ====\n");
    for outcome in outcomes {
        let (verdict, said) = match &outcome.result {
            Some(Ok(None)) => ("ok", ""),
            Some(Ok(Some(note))) => ("PARTLY", note.as_str()),
            Some(Err(message)) => ("FAILED", message.lines().next().unwrap_or_default()),
            None => ("NOT RUN", "left out on request"),
        };
        let line = format!(
            "{:<8} {verdict:<8} {:>9}  {said}",
            outcome.name,
            seconds(outcome.took)
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn seconds(took: Duration) -> String {
    match took.as_secs() {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        whole => format!("{} m {:02} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests;
