//! What a question may not see is in no answer and in no error: random questions over a store in which
//! every field of everybody holds a word that must not get out.
//!
//! The check runs some hundred questions; `cargo xtask isolation --queries N` runs so many (it sets
//! `TALLYBOOK_ISOLATION_QUERIES`). Which ones hangs on the seed alone (`TALLYBOOK_ISOLATION_SEED`).

mod grammar;
mod pages;
mod traps;
pub(crate) mod world;

use std::time::Instant;

use query::{Answer, QueryError, Sight, render};
use serde_json::Value;

use grammar::Grammar;
use world::{ORGANIZATIONS, SHARED, World, looks_like, organization};

use super::support::Bench;

/// Questions of the check.
const QUERIES: usize = 400;
/// Questions that run side by side.
const AT_ONCE: usize = 4;
/// After so many it is said how far it is.
const TOLD: usize = 5_000;
/// Of so many questions, one is asked of a store, too, in which nobody else's rows are.
const COMPARED: usize = 6;

/// Somebody who asks.
pub(crate) struct Asker {
    pub(crate) sight: Sight,
    /// The words that must not get to them.
    pub(crate) forbidden: Vec<&'static str>,
    /// Whose rows they see, where it is one organisation's.
    pub(crate) alone: Option<usize>,
}

/// All rows of these organisations.
pub(crate) fn seen(which: &[usize]) -> Sight {
    let ids = which.iter().map(|at| organization(*at));
    let shared = which.contains(&0).then(|| SHARED.to_owned());
    Sight::everything().of_organizations(ids.chain(shared))
}

/// Askers of all kinds.
pub(crate) fn askers() -> Vec<Asker> {
    let all = Sight::everything;
    let of = |which: &[usize]| seen(which);
    let others = |which: &[usize]| {
        let others = (0..ORGANIZATIONS.len()).filter(|at| !which.contains(at));
        others.map(|at| ORGANIZATIONS[at]).collect::<Vec<_>>()
    };
    let asker = |sight, forbidden, alone| Asker {
        sight,
        forbidden,
        alone,
    };
    let words = |mut words: Vec<&'static str>, more: &[&'static str]| {
        words.extend(more);
        words
    };
    vec![
        asker(of(&[0]), others(&[0]), Some(0)),
        asker(of(&[1]), others(&[1]), Some(1)),
        asker(of(&[0, 2]), others(&[0, 2]), None),
        asker(
            of(&[2]).without_names(),
            words(others(&[2]), &[world::NAMED, world::WROTE]),
            Some(2),
        ),
        asker(
            of(&[1]).without_content(),
            words(others(&[1]), &[world::WROTE]),
            Some(1),
        ),
        asker(
            all().without_names(),
            vec![world::NAMED, world::WROTE],
            None,
        ),
        asker(all().without_content(), vec![world::WROTE], None),
        asker(of(&[]), others(&[]), None),
    ]
}

/// An answer, or the failure, as it would be shown.
fn shown(answer: &Result<Answer, QueryError>) -> String {
    match answer {
        Ok(answer) => {
            let json = render::json(answer).expect("renders");
            let names = answer
                .schema
                .fields()
                .iter()
                .map(|field| field.name().as_str());
            let names = names.collect::<Vec<_>>().join(" ");
            format!("{names} {}", String::from_utf8(json).expect("is UTF-8"))
        }
        Err(error) => format!("{error} {error:?}"),
    }
}

/// Panics where a forbidden word is in what is shown, in whatever clothes.
#[track_caller]
pub(crate) fn assert_clean(asker: &Asker, what: &str, shown: &str) {
    for word in &asker.forbidden {
        if let Some(form) = looks_like(word, shown) {
            let at = shown.to_lowercase().find(&form).unwrap_or(0);
            let near: String = shown[at.saturating_sub(80)..].chars().take(240).collect();
            panic!(
                "{word} got out as {form:?} to {:?}\n  by {what}\n  in …{near}…",
                asker.sight
            );
        }
    }
}

fn number(name: &str, otherwise: usize) -> usize {
    let set = std::env::var(name).ok();
    set.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// What became of the questions.
#[derive(Debug, Default)]
struct Tally {
    answered: usize,
    with_rows: usize,
    refused: usize,
    compared: usize,
}

#[tokio::test]
async fn random_questions_leak_nothing() {
    let queries = number("TALLYBOOK_ISOLATION_QUERIES", QUERIES);
    let seed = number("TALLYBOOK_ISOLATION_SEED", 20_261_128);
    let world = World::of(None).await;
    let worlds = [
        World::of(Some(0)).await,
        World::of(Some(1)).await,
        World::of(Some(2)).await,
    ];
    let (askers, mut tally) = (askers(), Tally::default());
    let mut grammar = Grammar::over(&world.bench, seed as u64).await;
    let began = Instant::now();
    for first in (0..queries).step_by(AT_ONCE) {
        let those = first..queries.min(first + AT_ONCE);
        let asked = those.map(|at| {
            let (asker, question) = (&askers[at % askers.len()], grammar.question());
            // One in so many of each asker's.
            let is_compared = (at / askers.len()).is_multiple_of(COMPARED);
            let alone = asker
                .alone
                .filter(|_| is_compared && question.is_determined);
            let alone = alone.map(|own| &worlds[own].bench);
            one(&world.bench, asker, question.sql, alone)
        });
        for (answer, is_compared) in futures::future::join_all(asked).await {
            tally.count(&answer);
            tally.compared += usize::from(is_compared);
        }
        let asked = queries.min(first + AT_ONCE);
        if asked.is_multiple_of(TOLD) || asked == queries {
            let seconds = began.elapsed().as_secs_f64();
            println!("{asked} questions, seed {seed}: {tally:?} in {seconds:.0} s, no leak");
        }
    }
    assert!(
        tally.answered * 2 > queries,
        "too few were answered: {tally:?}"
    );
    assert!(tally.with_rows * 4 > queries, "too few had rows: {tally:?}");
}

/// Asks one question, and again where nothing else is stored.
async fn one(
    bench: &Bench,
    asker: &Asker,
    sql: String,
    alone: Option<&Bench>,
) -> (Result<Answer, QueryError>, bool) {
    let answer = ask(bench, asker, &sql).await;
    assert_clean(asker, &sql, &shown(&answer));
    // Which rows are cut off hangs on the order in which they come.
    let is_whole = answer.as_ref().is_ok_and(|answer| !answer.truncated) || answer.is_err();
    if let Some(alone) = alone.filter(|_| is_whole) {
        let other = ask(alone, asker, &sql).await;
        assert_eq!(
            sorted(&answer),
            sorted(&other),
            "others' rows change what {:?} sees\n  by {sql}",
            asker.sight
        );
    }
    (answer, alone.is_some() && is_whole)
}

impl Tally {
    fn count(&mut self, answer: &Result<Answer, QueryError>) {
        match answer {
            Ok(answer) => {
                self.answered += 1;
                self.with_rows += usize::from(answer.rows() > 0);
            }
            Err(_) => self.refused += 1,
        }
    }
}

async fn ask(bench: &Bench, asker: &Asker, sql: &str) -> Result<Answer, QueryError> {
    bench
        .engine
        .question(asker.sight.clone())
        .query(sql, Some(500))
        .await
}

/// The rows in an order of their own, numbers as far as sums in another order are the same; of a failure
/// that it is one.
fn sorted(answer: &Result<Answer, QueryError>) -> Vec<String> {
    let Ok(answer) = answer else {
        return vec!["refused".to_owned()];
    };
    let json = render::json(answer).expect("renders");
    let rows: Vec<Value> = serde_json::from_slice(&json).expect("rows");
    let mut rows: Vec<String> = rows.iter().map(|row| rounded(row).to_string()).collect();
    rows.sort();
    rows
}

fn rounded(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            format!("{:.6e}", number.as_f64().unwrap_or_default()).into()
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.clone(), rounded(value)));
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}
