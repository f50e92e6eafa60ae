//! Prices that an organisation sets itself: for models that the list does not know, and for terms of
//! its own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ModelName, Price, Rates};
use crate::time::parse_day_ms;

/// Dearer than this for a million tokens is a slip of the pen.
const RATE_MAX_USD: f64 = 100_000.0;

/// What a model costs from a day on, US dollars for a million tokens.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PriceSetting {
    /// The model, by any of its names.
    pub model: String,
    /// The first day of these prices (UTC), `2026-12-01`; absent: always.
    pub from: Option<String>,
    /// Input beside the cache.
    pub input: f64,
    /// Output.
    pub output: f64,
    /// Written to the cache for five minutes; absent: 1.25 times the input.
    pub cache_write_5m: Option<f64>,
    /// Written to the cache for an hour; absent: twice the input.
    pub cache_write_1h: Option<f64>,
    /// Read from the cache; absent: a tenth of the input.
    pub cache_read: Option<f64>,
    /// What regional endpoints of clouds take, as a multiple; absent: nothing more.
    pub regional_factor: Option<f64>,
    /// What inference in the United States only costs, as a multiple; absent: nothing more.
    pub us_only_factor: Option<f64>,
    /// Rates of fast mode; absent: it has no price.
    pub fast: Option<RatesSetting>,
    /// Rates of requests with a long prompt; absent: the same.
    pub long_prompt: Option<LongPromptSetting>,
}

/// Rates, US dollars for a million tokens.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RatesSetting {
    /// Input beside the cache.
    pub input: f64,
    /// Output.
    pub output: f64,
    /// Written to the cache for five minutes; absent: 1.25 times the input.
    pub cache_write_5m: Option<f64>,
    /// Written to the cache for an hour; absent: twice the input.
    pub cache_write_1h: Option<f64>,
    /// Read from the cache; absent: a tenth of the input.
    pub cache_read: Option<f64>,
}

/// Rates of a whole request whose prompt is long.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LongPromptSetting {
    /// Tokens of the prompt, cache included, above which they count.
    pub above_tokens: u64,
    /// The rates.
    pub rates: RatesSetting,
}

/// The prices by canonical name and in order of time, or everything that is wrong with them.
pub(super) fn prices(
    settings: &[PriceSetting],
) -> Result<BTreeMap<String, Vec<Price>>, Vec<String>> {
    let (mut prices, mut problems) = (BTreeMap::<String, Vec<Price>>::new(), Vec::new());
    for (index, setting) in settings.iter().enumerate() {
        let place = match setting.model.trim() {
            "" => format!("price {} (without a model)", index + 1),
            model => format!("price {} ({model})", index + 1),
        };
        let price = setting.price(&mut |problem| problems.push(format!("{place}: {problem}")));
        let of_model = prices
            .entry(ModelName::of(&setting.model).canonical)
            .or_default();
        if of_model.iter().any(|known| known.from_ms == price.from_ms) {
            problems.push(format!(
                "{place}: there is another price of this model from the same day; remove one"
            ));
        }
        of_model.push(price);
    }
    for of_model in prices.values_mut() {
        of_model.sort_by_key(|price| price.from_ms);
    }
    if problems.is_empty() {
        Ok(prices)
    } else {
        Err(problems)
    }
}

impl PriceSetting {
    fn price(&self, wrong: &mut dyn FnMut(String)) -> Price {
        if self.model.trim().is_empty() {
            wrong("model must name a model".to_owned());
        }
        let from_ms = self.from.as_deref().map_or(Some(0), parse_day_ms);
        if from_ms.is_none() {
            let from = self.from.as_deref().unwrap_or_default();
            wrong(format!(
                "from is \"{from}\", which is not a day; write it like \"2026-12-01\""
            ));
        }
        let standard = RatesSetting {
            input: self.input,
            output: self.output,
            cache_write_5m: self.cache_write_5m,
            cache_write_1h: self.cache_write_1h,
            cache_read: self.cache_read,
        };
        let factors = [
            ("regional_factor", self.regional_factor),
            ("us_only_factor", self.us_only_factor),
        ];
        for (name, factor) in factors {
            if factor.is_some_and(|factor| !(0.1..=10.0).contains(&factor)) {
                wrong(format!(
                    "{name} must be a multiple from 0.1 to 10, like 1.1"
                ));
            }
        }
        Price {
            from_ms: from_ms.unwrap_or_default(),
            standard: standard.rates("", wrong),
            fast: self.fast.as_ref().map(|fast| fast.rates("fast.", wrong)),
            long_prompt: self.long_prompt.as_ref().map(|long| {
                let rates = long.rates.rates("long_prompt.rates.", wrong);
                (long.above_tokens, rates)
            }),
            regional_factor: self.regional_factor.unwrap_or(1.0),
            us_only_factor: self.us_only_factor.unwrap_or(1.0),
        }
    }
}

impl RatesSetting {
    fn rates(&self, of: &str, wrong: &mut dyn FnMut(String)) -> Rates {
        let rates = Rates {
            input: self.input,
            output: self.output,
            cache_write_5m: self.cache_write_5m.unwrap_or(self.input * 1.25),
            cache_write_1h: self.cache_write_1h.unwrap_or(self.input * 2.0),
            cache_read: self.cache_read.unwrap_or(self.input * 0.1),
        };
        for (name, rate) in [
            ("input", rates.input),
            ("output", rates.output),
            ("cache_write_5m", rates.cache_write_5m),
            ("cache_write_1h", rates.cache_write_1h),
            ("cache_read", rates.cache_read),
        ] {
            if !(0.0..=RATE_MAX_USD).contains(&rate) {
                wrong(format!(
                    "{of}{name} must be US dollars for a million tokens, from 0 to {RATE_MAX_USD}"
                ));
            }
        }
        rates
    }
}
