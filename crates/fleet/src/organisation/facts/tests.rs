//! Facts against the truth, against each other, and against the records.

use std::collections::BTreeMap;

use super::*;
use crate::organisation::tests::{config, text};
use crate::organisation::{Config, Organisation, Signals, Variety};

fn varied(metrics: bool) -> Config {
    Config {
        people: 30,
        days: 6,
        metrics,
        variety: Variety::FULL,
        ..config(ClientVersion::V2_1_329, false)
    }
}

fn sum(facts: &Facts, of: impl Fn(&SessionFacts) -> Option<Spent>) -> Spent {
    facts.sessions.values().filter_map(of).sum()
}

#[test]
fn facts_of_everything_are_the_truth() {
    for config in [config(ClientVersion::V2_1_329, false), varied(true)] {
        let mut organisation = Organisation::new(config);
        let mut facts = Facts::default();
        for export in organisation.by_ref() {
            facts.observe(&export);
        }
        let truth = organisation.truth();
        let requested = sum(&facts, SessionFacts::requested);
        assert!((requested.cost.usd() - truth.total_cost_usd).abs() < 1e-9);
        assert_eq!(
            (requested.tokens, requested.requests),
            (truth.tokens, truth.requests)
        );
        let count = |of: fn(&SessionFacts) -> u64| facts.sessions.values().map(of).sum::<u64>();
        assert_eq!(count(|session| session.events), truth.events);
        assert_eq!(count(|session| session.prompts), truth.prompts);
        assert_eq!(count(SessionFacts::sequence_gaps), 0);
        let mut results: BTreeMap<_, u64> = BTreeMap::new();
        for call in facts
            .sessions
            .values()
            .flat_map(|session| session.calls.values())
        {
            *results.entry(call.tool).or_default() += u64::from(call.succeeded.is_some());
        }
        for (name, tool) in &truth.tools {
            assert_eq!(results[name], tool.calls, "{name}");
        }
    }
}

/// A session that sends both has the same sums in both, whichever temporality and however often its
/// client was started.
#[test]
fn metrics_add_up_to_the_requests_in_any_order() {
    let mut exports: Vec<Export> = Organisation::new(varied(true)).collect();
    let mut facts = Facts::default();
    exports.iter().for_each(|export| facts.observe(export));
    let mut compared = [0, 0];
    for (id, session) in &facts.sessions {
        let (Some(requested), Some(metered)) = (session.requested(), session.metered()) else {
            continue;
        };
        assert_eq!(requested.cost, metered.cost, "{id}");
        assert_eq!(requested.tokens, metered.tokens, "{id}");
        compared[usize::from(session.metered.is_cumulative)] += 1;
    }
    assert!(compared.iter().all(|count| *count > 50), "{compared:?}");
    crate::shuffle(&mut exports, 3);
    let mut shuffled = Facts::default();
    exports.iter().for_each(|export| shuffled.observe(export));
    for (id, session) in &facts.sessions {
        let other = &shuffled.sessions[id];
        assert_eq!(session.spent(), other.spent(), "{id}");
        assert_eq!(session.calls, other.calls, "{id}");
        assert_eq!(session.seen_ms, other.seen_ms, "{id}");
    }
}

/// Every kind of difference is there, and shows in the records as it should.
#[test]
fn variety_shows_in_what_is_sent() {
    let mut organisation = Organisation::new(varied(true));
    let mut accounts: BTreeMap<usize, [u64; 2]> = BTreeMap::new();
    let mut facts = Facts::default();
    for export in organisation.by_ref() {
        facts.observe(&export);
        for record in export.log_groups().iter().flat_map(|(_, records)| records) {
            let place = usize::from(text(record, "user.email").is_some());
            assert_eq!(place == 1, text(record, "user.account_uuid").is_some());
            accounts.entry(export.person).or_default()[place] += 1;
        }
    }
    let kinds = |of: &dyn Fn(&SessionFacts) -> bool| {
        facts
            .sessions
            .values()
            .filter(|session| of(session))
            .count()
    };
    let all = facts.sessions.len();
    let (habits, end_ms) = (organisation.habits().to_vec(), varied(true).end_unix_ms);
    for (what, count) in [
        ("continued", kinds(&|session| session.processes() > 1)),
        ("unlabelled", kinds(&|session| !session.names_team)),
        (
            "without an account",
            kinds(&|session| !session.names_account),
        ),
        (
            "logged in late",
            kinds(&|session| session.events_before_login > 0),
        ),
        (
            "of the older client",
            kinds(&|session| session.client == ClientVersion::V2_1_45),
        ),
        ("of metrics only", kinds(&|session| session.events == 0)),
        (
            "of logs only",
            kinds(&|session| session.metered().is_none()),
        ),
    ] {
        assert!(count > 10 && count < all * 2 / 3, "{count} of {all} {what}");
    }
    for (person, habits) in habits.iter().enumerate() {
        let seen = accounts.get(&person).copied().unwrap_or_default();
        assert_eq!(
            seen[1] > 0,
            habits.has_account && habits.signals != Signals::Metrics || seen[1] > 0
        );
        assert!(
            habits.has_account || seen[1] == 0,
            "an API key has no account"
        );
        if let Some(leaves_ms) = habits.leaves_ms {
            assert!(leaves_ms < end_ms && leaves_ms % DAY_MS == 0);
            let starts = facts
                .sessions
                .values()
                .filter(|session| session.person == person);
            assert!(starts.clone().count() > 0, "a leaver was there");
            assert!(
                starts
                    .clone()
                    .all(|session| session.seen_ms.0 < leaves_ms + 60_000)
            );
        }
    }
    let both = |person: usize| {
        let of = |surface| {
            facts
                .sessions
                .values()
                .any(|session| session.person == person && session.surface == surface)
        };
        of(Surface::Code) && of(Surface::Cowork)
    };
    assert!((0..habits.len()).filter(|person| both(*person)).count() > 2);
    let undecided = facts
        .sessions
        .values()
        .flat_map(|session| session.calls.values());
    assert!(undecided.filter(|call| call.decision.is_none()).count() > 20);
}
