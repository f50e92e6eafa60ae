//! What costs are reckoned by: `[cost]` and the `[[price]]` rows.

use std::sync::Arc;

use contract::{PriceBook, PriceSetting};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Cost {
    /// What the organisation is let off the list, as a share.
    pub(crate) discount: f64,
    /// The money that net costs are in.
    pub(crate) currency: String,
    /// How much of it a US dollar is.
    pub(crate) currency_per_usd: f64,
    /// Whether inference is in the United States only, which has a price of its own.
    pub(crate) us_only_inference: bool,
}

impl Default for Cost {
    fn default() -> Self {
        let cost = query::Cost::default();
        Cost {
            discount: cost.discount,
            currency: cost.currency,
            currency_per_usd: cost.currency_per_usd,
            us_only_inference: cost.us_only,
        }
    }
}

impl Cost {
    /// As the engine takes it. What is wrong with the prices is added to `problems`.
    pub(super) fn checked(
        &self,
        prices: &[PriceSetting],
        problems: &mut Vec<String>,
    ) -> query::Cost {
        let book = PriceBook::with(prices).unwrap_or_else(|wrong| {
            problems.extend(wrong);
            PriceBook::default()
        });
        query::Cost {
            book: Arc::new(book),
            us_only: self.us_only_inference,
            discount: self.discount,
            currency: self.currency.clone(),
            currency_per_usd: self.currency_per_usd,
        }
    }
}
