//! What a request to a model costs by list: the price book.
//!
//! Invariant: a price is data with the day from which it is in force. A book is never changed, only
//! replaced by one with another version, so that a figure and the version of its book say together
//! how it came about.
//!
//! | file | what is in it |
//! |---|---|
//! | `list.rs` | the vendor's list prices, dated, with their sources |
//! | `model_name.rs` | one name for a model that is named in many ways |
//! | `setting.rs` | prices that an organisation sets itself |

mod list;
mod model_name;
mod setting;

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

pub use model_name::{ModelName, Place};
pub use setting::{LongPromptSetting, PriceSetting, RatesSetting};

/// One search of the web, US dollars: 10 USD for a thousand.
const WEB_SEARCH_USD: f64 = 0.01;
/// What batches of requests cost, as a share of the list price.
const BATCH_FACTOR: f64 = 0.5;

/// US dollars for a million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Input beside the cache.
    pub input: f64,
    /// Written to the cache for five minutes.
    pub cache_write_5m: f64,
    /// Written to the cache for an hour.
    pub cache_write_1h: f64,
    /// Read from the cache.
    pub cache_read: f64,
    /// Output.
    pub output: f64,
}

/// What a model costs from a day on.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// From when it is in force, milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// The usual rates.
    pub standard: Rates,
    /// The rates of fast mode, where the model has one.
    pub fast: Option<Rates>,
    /// The rates of a whole request whose prompt, cache included, has more tokens than this.
    pub long_prompt: Option<(u64, Rates)>,
    /// What regional endpoints of clouds take, as a multiple.
    pub regional_factor: f64,
    /// What inference in the United States only costs, as a multiple.
    pub us_only_factor: f64,
}

/// What a request uses, its cache writes told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens beside the cache.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// Tokens written to the cache for five minutes.
    pub cache_write_5m: u64,
    /// Tokens written to the cache for an hour.
    pub cache_write_1h: u64,
}

/// What changes the price of a request beside its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Fast mode.
    pub fast: bool,
    /// Inference in the United States only (`inference_geo`).
    pub us_only: bool,
    /// Sent in a batch.
    pub batch: bool,
    /// Searches of the web.
    pub web_searches: u64,
}

/// Prices by model and day.
#[derive(Clone, Debug)]
pub struct PriceBook {
    version: String,
    /// By canonical name, in order of time; never empty.
    prices: BTreeMap<String, Vec<Price>>,
    dearest: Rates,
}

/// A model that the book knows.
#[derive(Clone, Copy, Debug)]
pub struct Model<'b> {
    prices: &'b [Price],
    place: Place,
}

impl Default for PriceBook {
    /// The vendor's list prices.
    fn default() -> Self {
        PriceBook::of(list::VERSION.to_owned(), list::prices())
    }
}

impl PriceBook {
    fn of(version: String, prices: BTreeMap<String, Vec<Price>>) -> PriceBook {
        let rates = prices.values().flatten().flat_map(Price::all_rates);
        let dearest = rates.fold(Rates::default(), Rates::at_least);
        PriceBook {
            version,
            prices,
            dearest,
        }
    }

    /// The list with an organisation's own prices: from the first day that a model's own prices
    /// name on, they alone count for it.
    ///
    /// # Errors
    /// Everything that is wrong with them, a sentence each.
    pub fn with(settings: &[PriceSetting]) -> Result<PriceBook, Vec<String>> {
        let own = setting::prices(settings)?;
        if own.is_empty() {
            return Ok(PriceBook::default());
        }
        let mut prices = list::prices();
        for (model, own) in own {
            let first_ms = own
                .iter()
                .map(|price| price.from_ms)
                .min()
                .unwrap_or_default();
            let known = prices.entry(model).or_default();
            known.retain(|price| price.from_ms < first_ms);
            known.extend(own);
        }
        let digest = xxh3_64(format!("{prices:?}").as_bytes());
        Ok(PriceBook::of(
            format!("{}+{digest:016x}", list::VERSION),
            prices,
        ))
    }

    /// The day of the list, and what tells this book from it when it has prices of its own.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The model of any name; `None` when the book has no price for it.
    pub fn find(&self, name: &str) -> Option<Model<'_>> {
        let name = ModelName::of(name);
        self.prices.get(&name.canonical).map(|prices| Model {
            prices,
            place: name.place,
        })
    }

    /// For each kind of token, the highest rate of any model: no request costs more than by these.
    pub fn dearest(&self) -> &Rates {
        &self.dearest
    }
}

impl<'b> Model<'b> {
    /// The price that was in force at a time; before the first, the first.
    pub fn price_at(&self, at_ms: i64) -> &'b Price {
        let before = self
            .prices
            .iter()
            .rev()
            .find(|price| price.from_ms <= at_ms);
        before.unwrap_or(&self.prices[0])
    }

    /// What its endpoint takes at a time, as a multiple.
    pub fn place_factor(&self, at_ms: i64) -> f64 {
        match self.place {
            Place::Regional => self.price_at(at_ms).regional_factor,
            Place::Global | Place::Unsaid => 1.0,
        }
    }

    /// What a request costs by list, US dollars; `None` when the model has no fast mode to price.
    pub fn cost_usd(&self, usage: &Usage, modifiers: &Modifiers, at_ms: i64) -> Option<f64> {
        let price = self.price_at(at_ms);
        let rates = price.rates(usage.prompt(), modifiers.fast)?;
        let batch = if modifiers.batch { BATCH_FACTOR } else { 1.0 };
        let searches = modifiers.web_searches as f64 * WEB_SEARCH_USD;
        Some(rates.cost_usd(usage) * self.factor(modifiers, at_ms) * batch + searches)
    }

    /// What place of inference and endpoint make of a price, as a multiple.
    pub(crate) fn factor(&self, modifiers: &Modifiers, at_ms: i64) -> f64 {
        // Clouds have regions instead, and no such choice.
        let is_us_only = modifiers.us_only && self.place == Place::Unsaid;
        let us_only = if is_us_only {
            self.price_at(at_ms).us_only_factor
        } else {
            1.0
        };
        us_only * self.place_factor(at_ms)
    }
}

impl Price {
    /// The rates of a request; `None` for fast mode of a model that has none.
    pub fn rates(&self, prompt_tokens: u64, fast: bool) -> Option<&Rates> {
        match (&self.fast, &self.long_prompt) {
            (fast_rates, _) if fast => fast_rates.as_ref(),
            (_, Some((above, rates))) if prompt_tokens > *above => Some(rates),
            _ => Some(&self.standard),
        }
    }

    fn all_rates(&self) -> impl Iterator<Item = &Rates> {
        let long = self.long_prompt.as_ref().map(|(_, rates)| rates);
        [Some(&self.standard), self.fast.as_ref(), long]
            .into_iter()
            .flatten()
    }
}

impl Usage {
    /// Tokens of the prompt, cache included.
    pub fn prompt(&self) -> u64 {
        self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h
    }
}

impl Rates {
    /// The rates, each given.
    pub const fn new(
        input: f64,
        cache_write_5m: f64,
        cache_write_1h: f64,
        cache_read: f64,
        output: f64,
    ) -> Rates {
        Rates {
            input,
            cache_write_5m,
            cache_write_1h,
            cache_read,
            output,
        }
    }

    /// All rates by a factor.
    pub const fn times(&self, factor: f64) -> Rates {
        Rates::new(
            self.input * factor,
            self.cache_write_5m * factor,
            self.cache_write_1h * factor,
            self.cache_read * factor,
            self.output * factor,
        )
    }

    /// The cost in US dollars by the client's arithmetic: `tokens / 1e6 * rate`, summed.
    pub fn cost_usd(&self, usage: &Usage) -> f64 {
        let cost = |tokens: u64, rate: f64| tokens as f64 / 1e6 * rate;
        cost(usage.input, self.input)
            + cost(usage.output, self.output)
            + cost(usage.cache_read, self.cache_read)
            + cost(usage.cache_write_5m, self.cache_write_5m)
            + cost(usage.cache_write_1h, self.cache_write_1h)
    }

    fn at_least(self, other: &Rates) -> Rates {
        Rates::new(
            self.input.max(other.input),
            self.cache_write_5m.max(other.cache_write_5m),
            self.cache_write_1h.max(other.cache_write_1h),
            self.cache_read.max(other.cache_read),
            self.output.max(other.output),
        )
    }
}

#[cfg(test)]
mod tests;
