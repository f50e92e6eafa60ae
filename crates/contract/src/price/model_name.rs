//! One name for a model that clients, clouds and gateways name in many ways.
//!
//! Invariant: names of one model give one canonical name, names of different models never do. A name
//! that follows none of the known schemes is its own canonical name.
//!
//! | scheme | example |
//! |---|---|
//! | dated | `claude-haiku-4-5-20251001` |
//! | with a context window | `claude-opus-4-8[1m]` |
//! | Bedrock | `us.anthropic.claude-opus-4-5-20251101-v1:0`, its ARN, `global.` and other regions |
//! | Vertex | `claude-opus-4-5@20251101` |
//! | gateway path | `bedrock/anthropic.claude-sonnet-4-5`, `anthropic/claude-sonnet-4.5` |
//! | before generation 4 | `claude-3-5-haiku-20241022`, which is `claude-haiku-3-5` |

/// A model by its canonical name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelName {
    /// `claude-opus-4-5`.
    pub canonical: String,
    /// Where the name says that it is served.
    pub place: Place,
}

/// Where a model is served, as far as its name says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The vendor's own API, or a name that does not say.
    Unsaid,
    /// A cloud's global endpoint.
    Global,
    /// An endpoint of one region or group of regions, for which clouds take a surcharge.
    Regional,
}

/// The groups of regions that Bedrock's inference profiles begin with.
const REGIONS: &[&str] = &["us", "us-gov", "eu", "apac", "jp", "au", "ca", "sa", "me"];
const FAMILIES: &[&str] = &["opus", "sonnet", "haiku", "fable", "mythos"];

impl ModelName {
    /// The canonical name of any name of a model.
    pub fn of(name: &str) -> ModelName {
        let name = name.trim();
        let path_end = name.rsplit_once('/').map_or(name, |(_, last)| last);
        let (rest, place) = without_cloud(path_end);
        let bare = [
            without_window,
            without_bedrock_version,
            without_alias,
            without_date,
        ]
        .into_iter()
        .fold(rest, |name, without| without(name));
        let canonical = if bare.starts_with("claude-") {
            modern(&bare.replace('.', "-"))
        } else {
            name.to_owned()
        };
        ModelName { canonical, place }
    }
}

/// Without Bedrock's region and vendor, and Vertex's version.
fn without_cloud(name: &str) -> (&str, Place) {
    if let Some((before, after)) = name.split_once("anthropic.")
        && after.starts_with("claude-")
    {
        let place = match before.trim_end_matches('.') {
            "global" => Place::Global,
            "" => Place::Regional,
            region if REGIONS.contains(&region) => Place::Regional,
            _ => return (name, Place::Unsaid),
        };
        return (after, place);
    }
    (
        name.split_once('@').map_or(name, |(model, _)| model),
        Place::Unsaid,
    )
}

/// Without `[1m]`.
fn without_window(name: &str) -> &str {
    match name.split_once('[') {
        Some((model, window)) if window.ends_with(']') => model,
        _ => name,
    }
}

/// Without `-v1:0`, `-v1:0:200k`, `-v2`.
fn without_bedrock_version(name: &str) -> &str {
    match name.rsplit_once("-v") {
        Some((model, version)) if version.starts_with(|first: char| first.is_ascii_digit()) => {
            model
        }
        _ => name,
    }
}

fn without_alias(name: &str) -> &str {
    name.strip_suffix("-latest").unwrap_or(name)
}

fn without_date(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((model, date)) if date.len() == 8 && is_number(date) => model,
        _ => name,
    }
}

/// Family before generation, and no generation's `-0`: `claude-3-5-haiku` is `claude-haiku-3-5`.
fn modern(name: &str) -> String {
    let mut parts: Vec<&str> = name.split('-').collect();
    let family = parts.iter().position(|part| FAMILIES.contains(part));
    if let Some(family) = family.filter(|at| parts[1..*at].iter().all(|part| is_number(part))) {
        parts[1..=family].rotate_right(1);
    }
    if parts.len() == 4 && parts[3] == "0" {
        parts.pop();
    }
    parts.join("-")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_for_all_names_of_a_model() {
        for (name, canonical, place) in [
            ("claude-opus-5-5", "claude-opus-5-5", Place::Unsaid),
            ("claude-opus-4-8[1m]", "claude-opus-4-8", Place::Unsaid),
            (
                "claude-haiku-4-5-20251001",
                "claude-haiku-4-5",
                Place::Unsaid,
            ),
            ("claude-sonnet-4-20250514", "claude-sonnet-4", Place::Unsaid),
            ("claude-sonnet-4-0", "claude-sonnet-4", Place::Unsaid),
            (
                "claude-3-5-haiku-20241022",
                "claude-haiku-3-5",
                Place::Unsaid,
            ),
            (
                "claude-3-7-sonnet-latest",
                "claude-sonnet-3-7",
                Place::Unsaid,
            ),
            ("claude-3-opus-20240229", "claude-opus-3", Place::Unsaid),
            (
                "us.anthropic.claude-opus-4-5-20251101-v1:0",
                "claude-opus-4-5",
                Place::Regional,
            ),
            (
                "us.anthropic.claude-opus-4-8-v1:0[1m]",
                "claude-opus-4-8",
                Place::Regional,
            ),
            (
                "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "claude-sonnet-4-5",
                Place::Global,
            ),
            (
                "anthropic.claude-3-5-haiku-20241022-v1:0:200k",
                "claude-haiku-3-5",
                Place::Regional,
            ),
            (
                "arn:aws:bedrock:eu-west-1:111122223333:inference-profile/eu.anthropic.claude-sonnet-4-20250514-v1:0",
                "claude-sonnet-4",
                Place::Regional,
            ),
            ("claude-opus-4-5@20251101", "claude-opus-4-5", Place::Unsaid),
            (
                "claude-sonnet-4-5@default",
                "claude-sonnet-4-5",
                Place::Unsaid,
            ),
            (
                "vertex_ai/claude-opus-4@20250514",
                "claude-opus-4",
                Place::Unsaid,
            ),
            (
                "anthropic/claude-sonnet-4.5",
                "claude-sonnet-4-5",
                Place::Unsaid,
            ),
            (" claude-fable-5-1 ", "claude-fable-5-1", Place::Unsaid),
        ] {
            let expect = ModelName {
                canonical: canonical.to_owned(),
                place,
            };
            assert_eq!(ModelName::of(name), expect, "{name}");
        }
    }

    #[test]
    fn a_name_of_no_known_scheme_is_its_own() {
        for name in [
            "gpt-6-sol",
            "opus",
            "",
            "my/model-20250101",
            "anthropic.other-model",
            "qwen[x]",
            "xy.anthropic.claude-opus-5",
        ] {
            assert_eq!(ModelName::of(name).canonical, name, "{name}");
            assert_eq!(ModelName::of(name).place, Place::Unsaid, "{name}");
        }
    }
}
