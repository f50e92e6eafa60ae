//! What a request costs: the client's own figure where it can be believed, else the list's.
//!
//! Invariant: every request has exactly one cost, and what it rests on is said with it. A client's
//! figure is believed unless it is missing, no amount of money, nothing at all for tokens that cost
//! something, or many times what its tokens can cost.

use crate::price::{Model, Modifiers, Price, PriceBook, Usage};

/// A client's figure this many times above the list is not believed ...
const ABSURD_FACTOR: f64 = 10.0;
/// ... beside this much for what has a price but no tokens: searches of the web.
const ABSURD_EXTRA_USD: f64 = 1.0;
/// How far two ways to reckon one cost may differ: rounding of doubles, as a share ...
const ROUNDING_SHARE: f64 = 1e-9;
/// ... and of clients that send whole millionths of a dollar only.
const ROUNDING_USD: f64 = 0.5e-6;

/// A request as its event tells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What it used; `None` when the event has no count of tokens at all.
    pub tokens: Option<Tokens>,
    /// What changes its price beside that.
    pub modifiers: Modifiers,
    /// The client's own figure.
    pub claim: Claim,
}

/// Tokens as events count them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Input tokens beside the cache.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// Tokens written to the cache.
    pub cache_creation: u64,
    /// Of these, for five minutes and for an hour; `None` where the client does not say.
    pub split: Option<(u64, u64)>,
}

/// What the client says that a request cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Claim {
    /// US dollars, from 0 to a million.
    Usd(f64),
    /// Nothing.
    Missing,
    /// Not a number.
    NotANumber,
    /// Less than nothing.
    Negative,
    /// More than a million dollars, or infinity.
    TooLarge,
}

/// What a cost rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The client's own figure.
    Client,
    /// The list price of its tokens.
    Recomputed,
    /// Neither is known: the request is in no sum of costs.
    Unpriced,
}

/// What is to be said about a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The client sent no cost.
    Missing,
    /// The client's cost is not a number.
    NotANumber,
    /// The client's cost is negative.
    Negative,
    /// The client's cost is more than a million dollars.
    TooLarge,
    /// The client's cost is zero for tokens that cost something.
    Zero,
    /// The client's cost is many times what its tokens can cost.
    Absurd,
    /// The book has no price for the model, so the client's cost could not be checked.
    NoListPrice,
    /// The client's cost is list price without what the place of inference takes.
    WithoutSurcharge,
    /// The client's cost is above what its tokens cost by list: web searches, or prices of its own.
    AboveList,
    /// The client's cost is below what its tokens cost by list: prices of its own.
    BelowList,
}

/// The list price of a request, US dollars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListCost {
    /// The price; where the life of cache writes is unknown, by the client's cost or else the low one.
    pub usd: f64,
    /// If all cache writes were for five minutes.
    pub low_usd: f64,
    /// If all were for an hour. The same as the low one where the client tells them apart.
    pub high_usd: f64,
    /// If nothing had been read from a cache or written to one: all of the prompt at the rate of input.
    pub uncached_usd: f64,
}

/// One line of the ledger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// What the request costs, US dollars; `None` when nothing is known of it.
    pub cost_usd: Option<f64>,
    /// What that rests on.
    pub basis: Basis,
    /// What is to be said about it.
    pub note: Option<Note>,
    /// The list price, where the book has one.
    pub list: Option<ListCost>,
}

/// Whether a client's figure is believed whatever the request used, so that nothing else of it need
/// be looked at to know what it costs.
pub fn is_beyond_doubt(usd: f64) -> bool {
    usd > 0.0 && usd <= ABSURD_EXTRA_USD
}

/// Enters a request into the ledger. `model` is what `book` has of its model.
pub fn enter(book: &PriceBook, model: Option<Model<'_>>, request: &Request) -> Entry {
    let priced = model
        .zip(request.tokens)
        .and_then(|(model, tokens)| Bounds::of(model, &tokens, request));
    let claim = doubt(book, priced.as_ref(), request);
    let list = priced.map(|bounds| bounds.list(claim.ok()));
    let (cost_usd, basis, note) = match (claim, list) {
        (Ok(usd), None) => (
            Some(usd),
            Basis::Client,
            Some(Note::NoListPrice).filter(|_| request.tokens.is_some()),
        ),
        (Ok(usd), Some(_)) => (
            Some(usd),
            Basis::Client,
            priced.and_then(|bounds| bounds.note(usd)),
        ),
        (Err(note), Some(list)) => (Some(list.usd), Basis::Recomputed, Some(note)),
        (Err(note), None) => (None, Basis::Unpriced, Some(note)),
    };
    Entry {
        cost_usd,
        basis,
        note,
        list,
    }
}

/// The client's figure, or why it is not believed.
fn doubt(book: &PriceBook, priced: Option<&Bounds>, request: &Request) -> Result<f64, Note> {
    let usd = match request.claim {
        Claim::Usd(usd) => usd,
        Claim::Missing => return Err(Note::Missing),
        Claim::NotANumber => return Err(Note::NotANumber),
        Claim::Negative => return Err(Note::Negative),
        Claim::TooLarge => return Err(Note::TooLarge),
    };
    let Some(tokens) = request.tokens else {
        return Ok(usd);
    };
    let most_usd = match priced {
        Some(bounds) => bounds.high_usd * bounds.factor,
        None => book.dearest().cost_usd(&tokens.usage(1.0)),
    };
    if usd == 0.0 && most_usd > 0.0 {
        Err(Note::Zero)
    } else if usd > ABSURD_FACTOR * most_usd + ABSURD_EXTRA_USD {
        Err(Note::Absurd)
    } else {
        Ok(usd)
    }
}

/// Between what a request costs by list, before what its place takes.
#[derive(Clone, Copy)]
struct Bounds {
    low_usd: f64,
    high_usd: f64,
    uncached_usd: f64,
    /// What place of inference and endpoint make of it.
    factor: f64,
}

impl Bounds {
    fn of(model: Model<'_>, tokens: &Tokens, request: &Request) -> Option<Bounds> {
        let price: &Price = model.price_at(request.at_ms);
        let rates = price.rates(tokens.prompt(), request.modifiers.fast)?;
        let low_usd = rates.cost_usd(&tokens.usage(0.0));
        let high_usd = match tokens.split {
            None if tokens.cache_creation > 0 => rates.cost_usd(&tokens.usage(1.0)),
            _ => low_usd,
        };
        let uncached = Usage {
            input: tokens.prompt(),
            output: tokens.output,
            ..Usage::default()
        };
        Some(Bounds {
            low_usd,
            high_usd,
            uncached_usd: rates.cost_usd(&uncached),
            factor: model.factor(&request.modifiers, request.at_ms),
        })
    }

    /// Clients reckon by the vendor's own list, so a cost of theirs between the bounds tells the
    /// share of cache writes that are for an hour: the only unknown of a linear equation.
    fn list(&self, client_usd: Option<f64>) -> ListCost {
        // A client may have reckoned without what its endpoint takes, or with it.
        let ways = client_usd
            .map(|usd| [usd, usd / self.factor])
            .into_iter()
            .flatten();
        let solved = ways.into_iter().find(|usd| self.holds(*usd));
        let usd = solved.map_or(self.low_usd, |usd| usd.clamp(self.low_usd, self.high_usd));
        ListCost {
            usd: usd * self.factor,
            low_usd: self.low_usd * self.factor,
            high_usd: self.high_usd * self.factor,
            uncached_usd: self.uncached_usd * self.factor,
        }
    }

    fn holds(&self, usd: f64) -> bool {
        let leeway = ROUNDING_USD + ROUNDING_SHARE * usd;
        (self.low_usd - leeway..=self.high_usd + leeway).contains(&usd)
    }

    fn note(&self, client_usd: f64) -> Option<Note> {
        match self.holds(client_usd) {
            true if self.factor > 1.0 => Some(Note::WithoutSurcharge),
            true => None,
            false if self.factor > 1.0 && self.holds(client_usd / self.factor) => None,
            false if client_usd > self.high_usd => Some(Note::AboveList),
            false => Some(Note::BelowList),
        }
    }
}

impl Tokens {
    fn prompt(&self) -> u64 {
        self.input + self.cache_read + self.cache_creation
    }

    /// As usage, with a share of the cache writes for an hour where the client does not say.
    fn usage(&self, hour_share: f64) -> Usage {
        let unknown = || {
            let hour = (self.cache_creation as f64 * hour_share).round() as u64;
            (self.cache_creation - hour, hour)
        };
        let (cache_write_5m, cache_write_1h) = self.split.unwrap_or_else(unknown);
        Usage {
            input: self.input,
            output: self.output,
            cache_read: self.cache_read,
            cache_write_5m,
            cache_write_1h,
        }
    }
}

impl Claim {
    /// The claim of a request whose cost column holds `usd`; where it holds nothing, `raw` is the
    /// JSON or text that the client sent instead, if anything.
    pub fn of(usd: Option<f64>, raw: Option<&str>) -> Claim {
        if let Some(usd) = usd {
            return Claim::Usd(usd);
        }
        let Some(raw) = raw else {
            return Claim::Missing;
        };
        // A double that JSON has no number for is written {"$double":"NaN"}.
        let text = raw
            .trim_start_matches("{\"$double\":")
            .trim_end_matches('}')
            .trim_matches('"')
            .trim();
        match text.parse::<f64>() {
            Ok(number) if number < 0.0 => Claim::Negative,
            Ok(number) if number > 0.0 => Claim::TooLarge,
            _ if text.is_empty() || text == "null" => Claim::Missing,
            _ => Claim::NotANumber,
        }
    }
}

impl Basis {
    /// As views show it.
    pub fn name(self) -> &'static str {
        match self {
            Basis::Client => "client",
            Basis::Recomputed => "recomputed",
            Basis::Unpriced => "unpriced",
        }
    }
}

impl Note {
    /// As views show it.
    pub fn name(self) -> &'static str {
        match self {
            Note::Missing => "missing",
            Note::NotANumber => "not_a_number",
            Note::Negative => "negative",
            Note::TooLarge => "too_large",
            Note::Zero => "zero",
            Note::Absurd => "absurd",
            Note::NoListPrice => "no_list_price",
            Note::WithoutSurcharge => "without_surcharge",
            Note::AboveList => "above_list",
            Note::BelowList => "below_list",
        }
    }
}

#[cfg(test)]
mod tests;
