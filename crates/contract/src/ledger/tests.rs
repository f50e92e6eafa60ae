//! Which of a client's figures are believed, and what stands in for the others.

use super::*;

const NOVEMBER_2026_MS: i64 = 1_795_219_206_986;
const OPUS: &str = "claude-opus-5-5";
const REGIONAL: &str = "us.anthropic.claude-opus-5-5-v1:0";
const UNKNOWN: &str = "house-model";

fn request(claim: Claim, tokens: Option<Tokens>) -> Request {
    Request {
        at_ms: NOVEMBER_2026_MS,
        tokens,
        modifiers: Modifiers::default(),
        claim,
    }
}

fn tokens(
    input: u64,
    output: u64,
    cache_read: u64,
    cache_creation: u64,
    split: Option<(u64, u64)>,
) -> Tokens {
    Tokens {
        input,
        output,
        cache_read,
        cache_creation,
        split,
    }
}

fn entry(model: &str, request: &Request) -> Entry {
    let book = PriceBook::default();
    enter(&book, book.find(model), request)
}

/// Costs 4 by list.
const INPUT: Tokens = Tokens {
    input: 1_000_000,
    output: 0,
    cache_read: 0,
    cache_creation: 0,
    split: None,
};

/// Model, what the client says of a request that is [`INPUT`], its cost, basis and note.
type Judged = (&'static str, Claim, Option<f64>, Basis, Option<Note>);

#[rustfmt::skip]
const JUDGED: &[Judged] = &[
    (OPUS, Claim::Usd(4.0), Some(4.0), Basis::Client, None),
    (OPUS, Claim::Usd(4.000_000_4), Some(4.000_000_4), Basis::Client, None),
    (OPUS, Claim::Usd(4.01), Some(4.01), Basis::Client, Some(Note::AboveList)),
    (OPUS, Claim::Usd(3.99), Some(3.99), Basis::Client, Some(Note::BelowList)),
    (OPUS, Claim::Usd(41.0), Some(41.0), Basis::Client, Some(Note::AboveList)),
    (OPUS, Claim::Usd(41.1), Some(4.0), Basis::Recomputed, Some(Note::Absurd)),
    (OPUS, Claim::Usd(0.0), Some(4.0), Basis::Recomputed, Some(Note::Zero)),
    (OPUS, Claim::Missing, Some(4.0), Basis::Recomputed, Some(Note::Missing)),
    (OPUS, Claim::NotANumber, Some(4.0), Basis::Recomputed, Some(Note::NotANumber)),
    (OPUS, Claim::Negative, Some(4.0), Basis::Recomputed, Some(Note::Negative)),
    (OPUS, Claim::TooLarge, Some(4.0), Basis::Recomputed, Some(Note::TooLarge)),
    (REGIONAL, Claim::Usd(4.0), Some(4.0), Basis::Client, Some(Note::WithoutSurcharge)),
    (REGIONAL, Claim::Usd(4.4), Some(4.4), Basis::Client, None),
    (REGIONAL, Claim::Missing, Some(4.4), Basis::Recomputed, Some(Note::Missing)),
    (UNKNOWN, Claim::Usd(4.0), Some(4.0), Basis::Client, Some(Note::NoListPrice)),
    (UNKNOWN, Claim::Usd(301.1), None, Basis::Unpriced, Some(Note::Absurd)),
    (UNKNOWN, Claim::Usd(0.0), None, Basis::Unpriced, Some(Note::Zero)),
    (UNKNOWN, Claim::Missing, None, Basis::Unpriced, Some(Note::Missing)),
];

#[test]
fn a_clients_figure_is_believed_or_replaced_and_it_is_said_why() {
    for (model, claim, expect, basis, note) in JUDGED {
        let entry = entry(model, &request(*claim, Some(INPUT)));
        let close = match (entry.cost_usd, expect) {
            (Some(found), Some(expect)) => (found - expect).abs() < 1e-9,
            (found, expect) => found == *expect,
        };
        assert!(close, "{model} {claim:?}: {entry:?}");
        assert_eq!(
            (entry.basis, entry.note),
            (*basis, *note),
            "{model} {claim:?}"
        );
        assert_eq!(entry.list.is_some(), *model != UNKNOWN, "{model}");
    }
}

#[test]
fn without_tokens_nothing_is_doubted_and_nothing_recomputed() {
    let none = Some(Tokens::default());
    for (claim, tokens, expect, basis) in [
        (Claim::Usd(900.0), None, Some(900.0), Basis::Client),
        (Claim::Missing, None, None, Basis::Unpriced),
        (Claim::Usd(0.0), none, Some(0.0), Basis::Client),
        (Claim::Missing, none, Some(0.0), Basis::Recomputed),
        (Claim::Usd(900.0), none, Some(0.0), Basis::Recomputed),
    ] {
        let entry = entry("claude-opus-5-5", &request(claim, tokens));
        assert_eq!(
            (entry.cost_usd, entry.basis),
            (expect, basis),
            "{claim:?} {tokens:?}"
        );
    }
}

#[test]
fn what_is_beyond_doubt_is_believed_whatever_was_used() {
    let usages = [
        None,
        Some(Tokens::default()),
        Some(INPUT),
        Some(tokens(1, 1, 1, 1, None)),
    ];
    for (usd, expect) in [
        (0.0, false),
        (1e-12, true),
        (0.5, true),
        (1.0, true),
        (1.001, false),
    ] {
        assert_eq!(is_beyond_doubt(usd), expect, "{usd}");
        for (model, usage) in [OPUS, REGIONAL, UNKNOWN]
            .iter()
            .flat_map(|model| usages.map(|usage| (model, usage)))
        {
            let entry = entry(model, &request(Claim::Usd(usd), usage));
            assert!(
                !expect || entry.cost_usd == Some(usd),
                "{model} {usage:?} {usd}: {entry:?}"
            );
        }
    }
}

#[test]
fn fast_mode_has_its_own_price_or_none() {
    let fast = Modifiers {
        fast: true,
        ..Modifiers::default()
    };
    let request = Request {
        modifiers: fast,
        ..request(Claim::Missing, Some(INPUT))
    };
    assert_eq!(entry("claude-opus-5-5", &request).cost_usd, Some(8.0));
    assert_eq!(entry("claude-sonnet-5-5", &request).basis, Basis::Unpriced);
}

#[test]
fn the_life_of_cache_writes_is_said_or_solved_or_bounded() {
    // Without a cost of the client's: 5 a million for five minutes, 8 for an hour.
    for (claim, split, usd, low, high) in [
        (Claim::Missing, Some((600_000, 400_000)), 6.2, 6.2, 6.2),
        (Claim::Missing, None, 5.0, 5.0, 8.0),
        (Claim::Usd(6.2), None, 6.2, 5.0, 8.0),
        (Claim::Usd(5.0), None, 5.0, 5.0, 8.0),
        (Claim::Usd(8.0), None, 8.0, 5.0, 8.0),
        (Claim::Usd(8.000_000_3), None, 8.0, 5.0, 8.0),
        (Claim::Usd(8.1), None, 5.0, 5.0, 8.0),
        (Claim::Usd(6.2), Some((1_000_000, 0)), 5.0, 5.0, 5.0),
    ] {
        let written = tokens(0, 0, 0, 1_000_000, split);
        let list = entry("claude-opus-5-5", &request(claim, Some(written)))
            .list
            .expect("has a price");
        let found = [list.usd, list.low_usd, list.high_usd];
        let close = found
            .iter()
            .zip([usd, low, high])
            .all(|(found, expect)| (found - expect).abs() < 1e-12);
        assert!(close, "{claim:?} {split:?}: {found:?}");
    }
}

#[test]
fn a_cost_between_the_bounds_of_a_regional_endpoint_is_solved_with_its_surcharge() {
    let written = Some(tokens(0, 0, 0, 1_000_000, None));
    for (claim, usd) in [
        (Claim::Usd(6.2), 6.82),
        (Claim::Usd(8.8), 8.8),
        (Claim::Missing, 5.5),
    ] {
        let list = entry(
            "eu.anthropic.claude-opus-5-5-v1:0",
            &request(claim, written),
        )
        .list
        .expect("has a price");
        assert!((list.usd - usd).abs() < 1e-12, "{claim:?}: {list:?}");
    }
}

#[test]
fn what_a_client_sent_instead_of_a_cost() {
    for (usd, raw, expect) in [
        (Some(0.5), None, Claim::Usd(0.5)),
        (Some(0.5), Some("NaN"), Claim::Usd(0.5)),
        (None, None, Claim::Missing),
        (None, Some("null"), Claim::Missing),
        (None, Some(""), Claim::Missing),
        (None, Some("{\"$double\":\"NaN\"}"), Claim::NotANumber),
        (None, Some("NaN"), Claim::NotANumber),
        (None, Some("undefined"), Claim::NotANumber),
        (None, Some("-0.5"), Claim::Negative),
        (None, Some("{\"$double\":\"-inf\"}"), Claim::Negative),
        (None, Some("{\"$double\":\"inf\"}"), Claim::TooLarge),
        (None, Some("1e308"), Claim::TooLarge),
    ] {
        assert_eq!(Claim::of(usd, raw), expect, "{usd:?} {raw:?}");
    }
}
