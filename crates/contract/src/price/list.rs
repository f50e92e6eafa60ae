//! The vendor's list prices, dated.
//!
//! Sources: the vendor's pricing page (platform.claude.com/docs/en/about-claude/pricing) as of August
//! 2026 for every model up to Opus 5 and Fable 5.1; its excerpts of October and November 2026 for
//! Opus 5.5, Sonnet 5.5 and Haiku 5.5; its page on fast mode for the rates of fast mode. Costs that
//! real clients reported confirm Haiku 3.5, 4.5 and 5.5, Sonnet 4, 4.5 and 5.5, Opus 4.6, 5 and 5.5.
//!
//! Known to be missing: Fable 5.2 and Mythos 5.2 and the fast mode that Opus 4.7 had, whose prices were
//! not found; what Sonnet 4 and 4.5 took for prompts beyond 200,000 tokens while that was a preview.

use std::collections::BTreeMap;

use super::{Price, Rates};
use crate::time::day_ms;

/// The day on which the list was last compared with its sources.
pub(super) const VERSION: &str = "2026-11-28";

/// Regional endpoints of Bedrock and Vertex, for models of generation 4.5 and later.
const REGIONAL: f64 = 1.1;
/// `inference_geo: us`, for models from Opus 4.6 and Sonnet 4.6 on.
const US_ONLY: f64 = 1.1;

struct Row {
    models: &'static [&'static str],
    from_ms: i64,
    standard: Rates,
    fast: Option<f64>,
    /// Above so many tokens of prompt, so many times the standard rates.
    long_prompt: Option<(u64, f64)>,
    regional_factor: f64,
    us_only_factor: f64,
}

const fn row(models: &'static [&'static str], standard: Rates) -> Row {
    Row {
        models,
        from_ms: 0,
        standard,
        fast: None,
        long_prompt: None,
        regional_factor: REGIONAL,
        us_only_factor: US_ONLY,
    }
}

/// A model from before generation 4.5, which has neither surcharge.
const fn old(models: &'static [&'static str], standard: Rates) -> Row {
    Row {
        regional_factor: 1.0,
        us_only_factor: 1.0,
        ..row(models, standard)
    }
}

// Input, cache write for 5 minutes, for an hour, cache read, output.
const ROWS: &[Row] = &[
    row(
        &["claude-fable-5-1", "claude-mythos-5-1"],
        Rates::new(10.0, 12.5, 20.0, 0.25, 50.0),
    ),
    row(
        &["claude-fable-5", "claude-mythos-5"],
        Rates::new(10.0, 12.5, 20.0, 1.0, 50.0),
    ),
    // Fast mode: 8 and 40.
    Row {
        fast: Some(2.0),
        ..row(&["claude-opus-5-5"], Rates::new(4.0, 5.0, 8.0, 0.2, 20.0))
    },
    // Fast mode: 10 and 50.
    Row {
        fast: Some(2.0),
        ..row(
            &["claude-opus-5", "claude-opus-4-8"],
            Rates::new(5.0, 6.25, 10.0, 0.5, 25.0),
        )
    },
    // Fast mode in its preview, prompts up to 200,000 tokens: 30 and 150.
    Row {
        fast: Some(6.0),
        ..row(&["claude-opus-4-6"], Rates::new(5.0, 6.25, 10.0, 0.5, 25.0))
    },
    row(&["claude-opus-4-7"], Rates::new(5.0, 6.25, 10.0, 0.5, 25.0)),
    Row {
        us_only_factor: 1.0,
        ..row(&["claude-opus-4-5"], Rates::new(5.0, 6.25, 10.0, 0.5, 25.0))
    },
    old(
        &["claude-opus-4-1", "claude-opus-4", "claude-opus-3"],
        Rates::new(15.0, 18.75, 30.0, 1.5, 75.0),
    ),
    row(&["claude-sonnet-5-5"], Rates::new(2.0, 2.5, 4.0, 0.2, 10.0)),
    // Cache reads at half the price from this day on.
    Row {
        from_ms: day_ms(2026, 10, 7),
        ..row(&["claude-sonnet-5-5"], Rates::new(2.0, 2.5, 4.0, 0.1, 10.0))
    },
    row(&["claude-sonnet-5"], Rates::new(2.0, 2.5, 4.0, 0.2, 10.0)),
    row(
        &["claude-sonnet-4-6"],
        Rates::new(3.0, 3.75, 6.0, 0.3, 15.0),
    ),
    Row {
        us_only_factor: 1.0,
        ..row(
            &["claude-sonnet-4-5"],
            Rates::new(3.0, 3.75, 6.0, 0.3, 15.0),
        )
    },
    old(
        &["claude-sonnet-4", "claude-sonnet-3-7"],
        Rates::new(3.0, 3.75, 6.0, 0.3, 15.0),
    ),
    // The whole request, cache counted: 0.50, 0.625, 1, 0.05 and 2.50.
    Row {
        long_prompt: Some((100_000, 5.0)),
        ..row(
            &["claude-haiku-5-5"],
            Rates::new(0.1, 0.125, 0.2, 0.01, 0.5),
        )
    },
    Row {
        us_only_factor: 1.0,
        ..row(&["claude-haiku-4-5"], Rates::new(1.0, 1.25, 2.0, 0.1, 5.0))
    },
    old(&["claude-haiku-3-5"], Rates::new(0.8, 1.0, 1.6, 0.08, 4.0)),
    old(&["claude-haiku-3"], Rates::new(0.25, 0.3, 0.5, 0.03, 1.25)),
];

/// All list prices, by canonical name and in order of time.
pub(super) fn prices() -> BTreeMap<String, Vec<Price>> {
    let mut prices: BTreeMap<String, Vec<Price>> = BTreeMap::new();
    for row in ROWS {
        for model in row.models {
            prices
                .entry((*model).to_owned())
                .or_default()
                .push(row.price());
        }
    }
    prices
}

impl Row {
    fn price(&self) -> Price {
        Price {
            from_ms: self.from_ms,
            standard: self.standard,
            fast: self.fast.map(|factor| self.standard.times(factor)),
            long_prompt: self
                .long_prompt
                .map(|(above, factor)| (above, self.standard.times(factor))),
            regional_factor: self.regional_factor,
            us_only_factor: self.us_only_factor,
        }
    }
}
