//! Which of the newly stored events a watcher wants.

use query::reports::LiveItem;
use serde::Deserialize;
use utoipa::IntoParams;

/// Filters of the live stream. An empty one asks for the events without a value.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LiveFilter {
    /// One person.
    person: Option<String>,
    /// One product.
    product: Option<String>,
    /// One model.
    model: Option<String>,
    /// One tool.
    tool: Option<String>,
    /// Only what failed or was refused.
    errors: Option<bool>,
}

/// Events that tell of a failure, whatever else they say.
const FAILURES: &[&str] = &["api_error", "api_refusal", "internal_error"];
/// How decisions against a call begin.
const AGAINST: &[&str] = &["reject", "deny", "denied", "abort"];

impl LiveFilter {
    /// Whether anything is asked for.
    pub(crate) fn is_some(&self) -> bool {
        let texts = [&self.person, &self.product, &self.model, &self.tool];
        texts.iter().any(|own| own.is_some()) || self.errors == Some(true)
    }

    /// Whether an event is wanted.
    pub(crate) fn passes(&self, item: &LiveItem) -> bool {
        let pairs = [
            (&self.person, &item.person),
            (&self.product, &item.product),
            (&self.model, &item.model),
            (&self.tool, &item.tool_name),
        ];
        let same = |(wanted, own): (&Option<String>, &Option<String>)| {
            let wanted = wanted.as_deref();
            wanted.is_none_or(|wanted| own.as_deref().unwrap_or_default() == wanted)
        };
        pairs.into_iter().all(same) && (self.errors != Some(true) || failed(item))
    }
}

fn failed(item: &LiveItem) -> bool {
    let decision = item.decision.as_deref().unwrap_or_default();
    let against = |word: &&str| {
        decision
            .get(..word.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(word))
    };
    FAILURES.contains(&item.event.as_str())
        || item.success == Some(false)
        || AGAINST.iter().any(against)
        || item.error.as_deref().is_some_and(|error| !error.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(event: &str) -> LiveItem {
        LiveItem {
            time_ms: 0,
            received_ms: 0,
            product: Some("cowork".into()),
            event: event.into(),
            person: None,
            session_id: None,
            prompt_id: None,
            model: Some("m".into()),
            cost_usd: None,
            tokens: None,
            tool_name: None,
            success: None,
            decision: None,
            error: None,
        }
    }

    #[test]
    fn what_is_asked_for_passes_and_nothing_else() {
        let all = LiveFilter::default();
        assert!(!all.is_some() && all.passes(&item("api_request")));
        let model = |name: &str| LiveFilter {
            model: Some(name.into()),
            ..LiveFilter::default()
        };
        assert!(model("m").passes(&item("api_request")) && model("m").is_some());
        assert!(!model("n").passes(&item("api_request")));
        let nobody = LiveFilter {
            person: Some(String::new()),
            ..LiveFilter::default()
        };
        assert!(
            nobody.passes(&item("api_request")),
            "empty is without a value"
        );
        let known = LiveItem {
            person: Some("a@example.com".into()),
            ..item("api_request")
        };
        assert!(!nobody.passes(&known));
    }

    #[test]
    fn what_failed_or_was_refused_is_an_error() {
        let errors = LiveFilter {
            errors: Some(true),
            ..LiveFilter::default()
        };
        let decided = |decision: &str| LiveItem {
            decision: Some(decision.into()),
            ..item("tool_decision")
        };
        assert!(errors.passes(&item("api_error")));
        assert!(errors.passes(&LiveItem {
            success: Some(false),
            ..item("tool_result")
        }));
        assert!(errors.passes(&decided("Reject")) && !errors.passes(&decided("accept")));
        assert!(errors.passes(&LiveItem {
            error: Some("oops".into()),
            ..item("api_request")
        }));
        assert!(!errors.passes(&item("api_request")));
    }
}
