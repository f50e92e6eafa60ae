//! Models, what they cost, and which ones people choose.
//!
//! Prices are the vendor's list prices in US dollars for a million tokens, as of autumn 2026. A
//! client reckons with a table of its own, and so does the simulated one: were it the price book of
//! `contract`, no test that compares answers with the organisation's truth could find a fault of the
//! book. That the two agree is a test here.

use super::ClientVersion;

/// A model under the name that events carry.
#[derive(Debug, PartialEq)]
pub(super) struct Model {
    pub(super) name: &'static str,
    price: Price,
    kind: Kind,
}

/// US dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Price {
    input: f64,
    write_5m: f64,
    write_1h: f64,
    cache_read: f64,
    output: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Plain,
    /// Has a fast mode at twice the price.
    Fast,
    /// Costs five times as much when the whole prompt is longer than 100,000 tokens.
    Tiered,
    /// Cache reads cost twice as much before that time.
    CheaperReadsFrom(u64),
}

/// The tokens of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cache_read: u64,
    pub(super) write_5m: u64,
    pub(super) write_1h: u64,
}

const LONG_PROMPT_TOKENS: u64 = 100_000;
/// 2026-10-07.
const SONNET_5_5_CHEAPER_MS: u64 = 1_791_331_200_000;

const fn price(input: f64, write_5m: f64, write_1h: f64, cache_read: f64, output: f64) -> Price {
    Price {
        input,
        write_5m,
        write_1h,
        cache_read,
        output,
    }
}

const fn model(name: &'static str, price: Price, kind: Kind) -> Model {
    Model { name, price, kind }
}

static OPUS_5_5: Model = model(
    "claude-opus-5-5",
    price(4.0, 5.0, 8.0, 0.2, 20.0),
    Kind::Fast,
);
static SONNET_5_5: Model = model(
    "claude-sonnet-5-5",
    price(2.0, 2.5, 4.0, 0.1, 10.0),
    Kind::CheaperReadsFrom(SONNET_5_5_CHEAPER_MS),
);
static HAIKU_5_5: Model = model(
    "claude-haiku-5-5",
    price(0.1, 0.125, 0.2, 0.01, 0.5),
    Kind::Tiered,
);
static FABLE_5_1: Model = model(
    "claude-fable-5-1",
    price(10.0, 12.5, 20.0, 0.25, 50.0),
    Kind::Plain,
);
static OPUS_4_6: Model = model(
    "claude-opus-4-6",
    price(5.0, 6.25, 10.0, 0.5, 25.0),
    Kind::Plain,
);
static SONNET_4_6: Model = model(
    "claude-sonnet-4-6",
    price(3.0, 3.75, 6.0, 0.3, 15.0),
    Kind::Plain,
);
static HAIKU_4_5: Model = model(
    "claude-haiku-4-5-20251001",
    price(1.0, 1.25, 2.0, 0.1, 5.0),
    Kind::Plain,
);

/// Models that sessions run on, each with its share of the sessions.
pub(super) fn session_models(client: ClientVersion) -> [(&'static Model, f64); 4] {
    match client {
        ClientVersion::V2_0_76 | ClientVersion::V2_1_45 => [
            (&SONNET_4_6, 0.55),
            (&OPUS_4_6, 0.30),
            (&HAIKU_4_5, 0.15),
            (&HAIKU_4_5, 0.0),
        ],
        ClientVersion::V2_1_329 => [
            (&SONNET_5_5, 0.50),
            (&OPUS_5_5, 0.35),
            (&HAIKU_4_5, 0.10),
            (&FABLE_5_1, 0.05),
        ],
    }
}

/// The model of a subagent: a smaller one now and then.
pub(super) fn small_model() -> &'static Model {
    &HAIKU_5_5
}

impl Model {
    pub(super) fn has_fast_mode(&self) -> bool {
        self.kind == Kind::Fast
    }

    /// The cost in US dollars, by the client's arithmetic: `tokens / 1e6 * price`, summed.
    pub(super) fn cost_usd(&self, usage: &Usage, fast: bool, at_ms: u64) -> f64 {
        let price = self.price_for(usage, fast, at_ms);
        let cost = |tokens: u64, price: f64| tokens as f64 / 1e6 * price;
        cost(usage.input, price.input)
            + cost(usage.output, price.output)
            + cost(usage.cache_read, price.cache_read)
            + cost(usage.write_5m, price.write_5m)
            + cost(usage.write_1h, price.write_1h)
    }

    fn price_for(&self, usage: &Usage, fast: bool, at_ms: u64) -> Price {
        let Price {
            input,
            write_5m,
            write_1h,
            cache_read,
            output,
        } = self.price;
        let times = |factor: f64| {
            price(
                input * factor,
                write_5m * factor,
                write_1h * factor,
                cache_read * factor,
                output * factor,
            )
        };
        match self.kind {
            Kind::Fast if fast => times(2.0),
            Kind::Tiered if usage.prompt() > LONG_PROMPT_TOKENS => times(5.0),
            Kind::CheaperReadsFrom(from_ms) if at_ms < from_ms => Price {
                cache_read: cache_read * 2.0,
                ..self.price
            },
            _ => self.price,
        }
    }
}

impl Usage {
    pub(super) fn cache_creation(&self) -> u64 {
        self.write_5m + self.write_1h
    }

    fn prompt(&self) -> u64 {
        self.input + self.cache_read + self.cache_creation()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOVEMBER_2026_MS: u64 = 1_795_219_206_986;

    fn usage(input: u64, output: u64, cache_read: u64, write_5m: u64, write_1h: u64) -> Usage {
        Usage {
            input,
            output,
            cache_read,
            write_5m,
            write_1h,
        }
    }

    #[test]
    fn costs_are_those_of_the_real_client() {
        let check = |model: &Model, usage: Usage, expected: f64| {
            let found = model.cost_usd(&usage, false, NOVEMBER_2026_MS);
            assert!(
                (found - expected).abs() < 1e-12,
                "{}: {found} is not {expected}",
                model.name
            );
        };
        check(&HAIKU_4_5, usage(10, 39, 17_536, 0, 8257), 0.0184726);
        check(
            &HAIKU_5_5,
            usage(2, 4, 9179, 0, 13_356),
            0.0027651900000000003,
        );
        check(&OPUS_4_6, usage(9, 7238, 0, 41_530, 0), 0.4405575);
        check(&OPUS_5_5, usage(7, 590, 29_864, 10_976, 0), 0.0726808);
        check(
            &OPUS_5_5,
            usage(3, 334, 34_336, 1173, 0),
            0.019424200000000003,
        );
        check(&SONNET_5_5, usage(7, 229, 36_195, 2164, 0), 0.0113335);
    }

    #[test]
    fn the_price_book_says_the_same() {
        let book = contract::PriceBook::default();
        let models = [
            &OPUS_5_5,
            &SONNET_5_5,
            &HAIKU_5_5,
            &FABLE_5_1,
            &OPUS_4_6,
            &SONNET_4_6,
            &HAIKU_4_5,
        ];
        let usages = [
            usage(7, 590, 29_864, 10_976, 0),
            usage(1200, 4, 0, 3000, 90_000),
            usage(1, 128_000, 180_000, 0, 4000),
        ];
        for (model, usage) in models
            .iter()
            .flat_map(|model| usages.map(|usage| (model, usage)))
        {
            let known = book.find(model.name).expect(model.name);
            let fast_ways: &[bool] = if model.has_fast_mode() {
                &[false, true]
            } else {
                &[false]
            };
            for (fast, at_ms) in fast_ways.iter().flat_map(|fast| {
                [SONNET_5_5_CHEAPER_MS - 1, NOVEMBER_2026_MS].map(|at_ms| (*fast, at_ms))
            }) {
                let tokens = contract::Usage {
                    input: usage.input,
                    output: usage.output,
                    cache_read: usage.cache_read,
                    cache_write_5m: usage.write_5m,
                    cache_write_1h: usage.write_1h,
                };
                let modifiers = contract::Modifiers {
                    fast,
                    ..contract::Modifiers::default()
                };
                let list = known.cost_usd(&tokens, &modifiers, at_ms as i64);
                let own = model.cost_usd(&usage, fast, at_ms);
                assert!(
                    list.is_some_and(|list| (list - own).abs() < 1e-12),
                    "{} {usage:?} {fast} {at_ms}: {list:?} is not {own}",
                    model.name
                );
            }
        }
    }

    #[test]
    fn what_changes_a_price() {
        let check = |model: &Model, usage: Usage, fast: bool, at_ms: u64, expected: f64| {
            let found = model.cost_usd(&usage, fast, at_ms);
            assert!(
                (found - expected).abs() < 1e-12,
                "{}: {found} is not {expected}",
                model.name
            );
        };
        check(
            &OPUS_5_5,
            usage(1_000_000, 0, 0, 0, 0),
            true,
            NOVEMBER_2026_MS,
            8.0,
        );
        check(
            &OPUS_5_5,
            usage(0, 1_000_000, 0, 0, 0),
            true,
            NOVEMBER_2026_MS,
            40.0,
        );
        check(
            &HAIKU_5_5,
            usage(100_000, 0, 0, 0, 0),
            false,
            NOVEMBER_2026_MS,
            0.01,
        );
        check(
            &HAIKU_5_5,
            usage(0, 0, 100_001, 0, 0),
            false,
            NOVEMBER_2026_MS,
            100_001.0 * 0.05 / 1e6,
        );
        check(
            &SONNET_5_5,
            usage(0, 0, 1_000_000, 0, 0),
            false,
            SONNET_5_5_CHEAPER_MS - 1,
            0.2,
        );
    }
}
