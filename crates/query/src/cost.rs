//! How costs are reckoned: by which price book, and into which money.

use std::sync::Arc;

use contract::PriceBook;

/// How costs are reckoned.
#[derive(Clone, Debug)]
pub struct Cost {
    /// The prices.
    pub book: Arc<PriceBook>,
    /// Whether the organisation has chosen inference in the United States only, which costs more.
    pub us_only: bool,
    /// What the organisation is let off the list, as a share from 0 to below 1.
    pub discount: f64,
    /// The money that net costs are in, as an ISO 4217 code.
    pub currency: String,
    /// How much of that money a US dollar is.
    pub currency_per_usd: f64,
}

impl Default for Cost {
    /// The vendor's list, in US dollars.
    fn default() -> Self {
        Cost {
            book: Arc::new(PriceBook::default()),
            us_only: false,
            discount: 0.0,
            currency: "USD".to_owned(),
            currency_per_usd: 1.0,
        }
    }
}

impl Cost {
    /// What a US dollar of list price comes to.
    pub fn net_per_usd(&self) -> f64 {
        (1.0 - self.discount) * self.currency_per_usd
    }

    /// Everything that is wrong, a sentence each.
    pub fn validate(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(0.0..1.0).contains(&self.discount) {
            problems.push(format!(
                "cost.discount is {}: give the share that is let off, from 0 to below 1, like 0.15",
                self.discount
            ));
        }
        let is_code =
            self.currency.len() == 3 && self.currency.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_code {
            problems.push(format!(
                "cost.currency is \"{}\": give three capital letters, like \"EUR\"",
                self.currency
            ));
        }
        if !(self.currency_per_usd > 0.0 && self.currency_per_usd.is_finite()) {
            problems.push(format!(
                "cost.currency_per_usd is {}: give how much of the currency a US dollar is, like 0.92",
                self.currency_per_usd
            ));
        }
        if self.currency == "USD" && self.currency_per_usd != 1.0 {
            problems
                .push("cost.currency_per_usd must be 1 while cost.currency is \"USD\"".to_owned());
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_said() {
        assert!(Cost::default().validate().is_empty());
        let euro = Cost {
            discount: 0.15,
            currency: "EUR".to_owned(),
            currency_per_usd: 0.9,
            ..Cost::default()
        };
        assert!(euro.validate().is_empty());
        assert!((euro.net_per_usd() - 0.765).abs() < 1e-12);
        for (discount, currency, per_usd, count) in [
            (1.0, "USD", 1.0, 1),
            (f64::NAN, "usd", 1.0, 2),
            (-0.1, "EURO", 0.0, 3),
            (0.0, "USD", 2.0, 1),
            (0.0, "EUR", f64::INFINITY, 1),
        ] {
            let cost = Cost {
                discount,
                currency: currency.to_owned(),
                currency_per_usd: per_usd,
                ..Cost::default()
            };
            assert_eq!(
                cost.validate().len(),
                count,
                "{discount} {currency} {per_usd}"
            );
        }
    }
}
