//! The list against costs that real clients reported, and prices of one's own.

use super::*;

const NOVEMBER_2026_MS: i64 = 1_795_219_206_986;

fn usage(
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write_5m: u64,
    cache_write_1h: u64,
) -> Usage {
    Usage {
        input,
        output,
        cache_read,
        cache_write_5m,
        cache_write_1h,
    }
}

#[track_caller]
fn check(
    book: &PriceBook,
    model: &str,
    usage: &Usage,
    modifiers: Modifiers,
    at_ms: i64,
    expect: f64,
) {
    let model_prices = book
        .find(model)
        .unwrap_or_else(|| panic!("{model} has no price"));
    let found = model_prices
        .cost_usd(usage, &modifiers, at_ms)
        .unwrap_or_else(|| panic!("{model} has no such mode"));
    assert!(
        (found - expect).abs() <= 1e-12 * expect.max(1.0),
        "{model} {usage:?} {modifiers:?}: {found} is not {expect}"
    );
}

#[test]
fn costs_that_real_clients_reported() {
    let book = PriceBook::default();
    for (model, usage, expect) in [
        ("claude-opus-5", usage(2, 4, 15_273, 0, 8271), 0.0904565),
        (
            "claude-haiku-4-5-20251001",
            usage(10, 39, 17_536, 0, 8257),
            0.0184726,
        ),
        ("claude-haiku-5-5", usage(2, 4, 9179, 0, 13_356), 0.00276519),
        ("claude-opus-4-6", usage(9, 7238, 0, 41_530, 0), 0.4405575),
        (
            "claude-opus-5-5",
            usage(7, 590, 29_864, 10_976, 0),
            0.0726808,
        ),
        (
            "claude-sonnet-5-5",
            usage(7, 229, 36_195, 2164, 0),
            0.0113335,
        ),
        (
            "claude-sonnet-4-20250514",
            usage(7, 61, 0, 1723, 0),
            0.00739725,
        ),
    ] {
        check(
            &book,
            model,
            &usage,
            Modifiers::default(),
            NOVEMBER_2026_MS,
            expect,
        );
    }
}

#[test]
fn every_rate_of_the_list() {
    // A million tokens of each kind: input, cache write for 5 minutes and for an hour, cache read, output.
    const MILLION: u64 = 1_000_000;
    let book = PriceBook::default();
    for (models, rates) in [
        (
            &["claude-fable-5-1", "claude-mythos-5-1"][..],
            [10.0, 12.5, 20.0, 0.25, 50.0],
        ),
        (
            &["claude-fable-5", "claude-mythos-5"],
            [10.0, 12.5, 20.0, 1.0, 50.0],
        ),
        (&["claude-opus-5-5"], [4.0, 5.0, 8.0, 0.2, 20.0]),
        (
            &[
                "claude-opus-5",
                "claude-opus-4-8",
                "claude-opus-4-7",
                "claude-opus-4-6",
                "claude-opus-4-5",
            ],
            [5.0, 6.25, 10.0, 0.5, 25.0],
        ),
        (
            &["claude-opus-4-1", "claude-opus-4"],
            [15.0, 18.75, 30.0, 1.5, 75.0],
        ),
        (&["claude-sonnet-5-5"], [2.0, 2.5, 4.0, 0.1, 10.0]),
        (&["claude-sonnet-5"], [2.0, 2.5, 4.0, 0.2, 10.0]),
        (
            &["claude-sonnet-4-6", "claude-sonnet-4-5", "claude-sonnet-4"],
            [3.0, 3.75, 6.0, 0.3, 15.0],
        ),
        (&["claude-haiku-4-5"], [1.0, 1.25, 2.0, 0.1, 5.0]),
        (&["claude-haiku-3-5"], [0.8, 1.0, 1.6, 0.08, 4.0]),
        // Each of these prompts is longer than 100,000 tokens, the output's is empty.
        (&["claude-haiku-5-5"], [0.5, 0.625, 1.0, 0.05, 0.5]),
    ] {
        for model in models {
            for (kind, expect) in rates.into_iter().enumerate() {
                let of = |at: usize| if at == kind { MILLION } else { 0 };
                let usage = usage(of(0), of(4), of(3), of(1), of(2));
                check(
                    &book,
                    model,
                    &usage,
                    Modifiers::default(),
                    NOVEMBER_2026_MS,
                    expect,
                );
            }
        }
    }
}

#[test]
fn what_changes_a_price() {
    let book = PriceBook::default();
    let plain = Modifiers::default();
    let (fast, us_only) = (
        Modifiers {
            fast: true,
            ..plain
        },
        Modifiers {
            us_only: true,
            ..plain
        },
    );
    let (batch, searches) = (
        Modifiers {
            batch: true,
            ..plain
        },
        Modifiers {
            web_searches: 3,
            ..plain
        },
    );
    let input = usage(1_000_000, 0, 0, 0, 0);
    let output = usage(0, 1_000_000, 0, 0, 0);
    let read = usage(0, 0, 1_000_000, 0, 0);
    for (model, usage, modifiers, at_ms, expect) in [
        ("claude-opus-5-5", &input, fast, NOVEMBER_2026_MS, 8.0),
        ("claude-opus-5-5", &output, fast, NOVEMBER_2026_MS, 40.0),
        ("claude-opus-5", &input, fast, NOVEMBER_2026_MS, 10.0),
        ("claude-opus-4-8[1m]", &output, fast, NOVEMBER_2026_MS, 50.0),
        (
            "claude-haiku-5-5",
            &usage(100_000, 0, 0, 0, 0),
            plain,
            NOVEMBER_2026_MS,
            0.01,
        ),
        (
            "claude-haiku-5-5",
            &usage(1, 0, 100_000, 0, 0),
            plain,
            NOVEMBER_2026_MS,
            0.5e-6 + 0.005,
        ),
        (
            "claude-haiku-5-5",
            &usage(1, 1000, 0, 50_000, 50_000),
            plain,
            NOVEMBER_2026_MS,
            0.5e-6 + 0.0025 + 0.08125,
        ),
        ("claude-sonnet-5-5", &read, plain, 1_791_331_199_999, 0.2),
        ("claude-sonnet-5-5", &read, plain, 1_791_331_200_000, 0.1),
        ("claude-sonnet-5-5", &read, plain, 0, 0.2),
        ("claude-opus-5-5", &input, us_only, NOVEMBER_2026_MS, 4.4),
        ("claude-opus-4-5", &input, us_only, NOVEMBER_2026_MS, 5.0),
        ("claude-opus-5-5", &input, batch, NOVEMBER_2026_MS, 2.0),
        ("claude-opus-5-5", &input, searches, NOVEMBER_2026_MS, 4.03),
        (
            "us.anthropic.claude-opus-4-5-20251101-v1:0",
            &input,
            plain,
            NOVEMBER_2026_MS,
            5.5,
        ),
        (
            "us.anthropic.claude-opus-5-5-v1:0",
            &input,
            us_only,
            NOVEMBER_2026_MS,
            4.4,
        ),
        (
            "global.anthropic.claude-opus-4-5-20251101-v1:0",
            &input,
            plain,
            NOVEMBER_2026_MS,
            5.0,
        ),
        (
            "us.anthropic.claude-sonnet-4-20250514-v1:0",
            &input,
            plain,
            NOVEMBER_2026_MS,
            3.0,
        ),
    ] {
        check(&book, model, usage, modifiers, at_ms, expect);
    }
    let no_fast_mode = book
        .find("claude-sonnet-5-5")
        .and_then(|model| model.cost_usd(&input, &fast, 0));
    assert_eq!(no_fast_mode, None);
    assert!(book.find("claude-opus-9").is_none());
}

fn own(model: &str, from: Option<&str>, input: f64) -> PriceSetting {
    PriceSetting {
        model: model.to_owned(),
        from: from.map(str::to_owned),
        input,
        output: input * 5.0,
        ..PriceSetting::default()
    }
}

#[test]
fn own_prices_count_alone_from_their_first_day_on() {
    let book = PriceBook::with(&[
        own("claude-sonnet-5-5", Some("2026-12-01"), 3.0),
        own("claude-sonnet-5-5[1m]", Some("2026-11-01"), 1.0),
        own("house-model", None, 7.0),
        own("claude-opus-5", None, 6.0),
    ])
    .expect("is right");
    let (input, plain) = (usage(1_000_000, 0, 0, 0, 0), Modifiers::default());
    let written = usage(0, 0, 1_000_000, 1_000_000, 1_000_000);
    const DAY_MS: i64 = 86_400_000;
    let december_ms = crate::time::day_ms(2026, 12, 1);
    for (model, usage, at_ms, expect) in [
        ("claude-sonnet-5-5", &input, december_ms - 31 * DAY_MS, 2.0),
        ("claude-sonnet-5-5", &input, december_ms - 30 * DAY_MS, 1.0),
        ("claude-sonnet-5-5", &input, december_ms, 3.0),
        ("claude-opus-5", &input, 0, 6.0),
        ("house-model", &written, 0, 0.7 + 8.75 + 14.0),
        ("claude-opus-5-5", &input, december_ms, 4.0),
    ] {
        check(&book, model, usage, plain, at_ms, expect);
    }
    let list = PriceBook::default();
    assert_ne!(book.version(), list.version());
    assert!(book.version().starts_with(list.version()));
    let other = PriceBook::with(&[own("house-model", None, 8.0)]).expect("is right");
    assert_ne!(book.version(), other.version());
    assert_eq!(
        PriceBook::with(&[]).expect("is right").version(),
        list.version()
    );
}

#[test]
fn everything_that_is_wrong_with_own_prices_is_said() {
    let problems = PriceBook::with(&[
        own("", None, 1.0),
        own("a", Some("2026-02-30"), -1.0),
        own("claude-opus-5", None, f64::NAN),
        PriceSetting {
            regional_factor: Some(0.0),
            ..own("b", Some("2026-01-01"), 1.0)
        },
        own("claude-haiku-4-5", Some("2026-01-01"), 1.0),
        own("claude-haiku-4-5-20251001", Some("2026-01-01"), 2.0),
    ])
    .expect_err("is wrong")
    .join("\n");
    for part in [
        "price 1 (without a model): model must name a model",
        "price 2 (a): from is \"2026-02-30\", which is not a day",
        "price 2 (a): input must be",
        "price 2 (a): output must be",
        "price 3 (claude-opus-5): input must be",
        "price 4 (b): regional_factor must be",
        "price 6 (claude-haiku-4-5-20251001): there is another price of this model",
    ] {
        assert!(
            problems.contains(part),
            "{part:?} is not said in\n{problems}"
        );
    }
}
