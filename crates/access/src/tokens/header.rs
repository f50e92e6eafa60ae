//! Finding a token in the headers of a request.
//!
//! Exporters can send any header, but some can send only certain ones, some only a user and a password,
//! and some do not decode the `%20` that their documentation asks for. All of these work.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, header};

use crate::credential::{Credential, Kind};

/// A longer value holds no token.
const VALUE_BYTES_MAX: usize = 1_024;

/// Headers that may hold a token, beside `authorization`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderNames(Vec<HeaderName>);

/// What the headers of a request hold.
#[derive(Debug)]
pub(super) enum Presented {
    /// None of them is there.
    Nothing,
    /// Something that is no token of ours.
    Other,
    /// A token, right or wrong.
    Token(Credential),
}

impl Default for HeaderNames {
    fn default() -> HeaderNames {
        let usual = ["x-tallybook-token", "x-api-key", "api-key"];
        HeaderNames(usual.map(HeaderName::from_static).to_vec())
    }
}

impl HeaderNames {
    /// The headers of these names.
    ///
    /// # Errors
    /// The first name that no header can have.
    pub fn of(names: &[String]) -> Result<HeaderNames, String> {
        let names = names.iter().map(|name| {
            HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("{name:?} cannot be the name of a header"))
        });
        names.collect::<Result<_, _>>().map(HeaderNames)
    }

    /// The names, `authorization` not among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(HeaderName::as_str)
    }

    /// The token in `headers`. Where several hold one, the first counts: `authorization` before the
    /// others in their order.
    pub(super) fn find(&self, headers: &HeaderMap) -> Presented {
        let mut presented = Presented::Nothing;
        for name in [&header::AUTHORIZATION].into_iter().chain(&self.0) {
            for value in headers.get_all(name) {
                let value = value.to_str().unwrap_or_default();
                match token_in(value) {
                    Some(token) => return Presented::Token(token),
                    None => presented = Presented::Other,
                }
            }
        }
        presented
    }
}

fn token_in(value: &str) -> Option<Credential> {
    if value.len() > VALUE_BYTES_MAX {
        return None;
    }
    let value = value.trim();
    let parse = |text: &str| Credential::parse(Kind::Ingest, text.trim());
    let Some((scheme, rest)) = value.split_once(' ').or_else(|| value.split_once("%20")) else {
        return parse(value);
    };
    if scheme.eq_ignore_ascii_case("bearer") {
        return parse(rest);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(rest.trim()).ok()?;
    let pair = std::str::from_utf8(&decoded).ok()?;
    let (user, password) = pair.split_once(':').unwrap_or((pair, ""));
    parse(password).or_else(|| parse(user))
}

#[cfg(test)]
mod tests {
    //! Every way in which an exporter can send a token, and what is none.
    use super::*;

    fn find(headers: &[(&'static str, String)]) -> Presented {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        HeaderNames::default().find(&map)
    }

    #[test]
    fn a_token_is_found_wherever_an_exporter_can_put_it() {
        let made = Credential::new().unwrap();
        let text = made.text(Kind::Ingest);
        let basic = |pair: String| format!("Basic {}", STANDARD.encode(pair));
        for headers in [
            vec![("authorization", format!("Bearer {text}"))],
            vec![("authorization", format!("bearer  {text} "))],
            vec![("authorization", format!("Bearer%20{text}"))],
            vec![("authorization", text.clone())],
            vec![("authorization", basic(format!("{text}:")))],
            vec![("authorization", basic(text.clone()))],
            vec![("authorization", basic(format!("tallybook:{text}")))],
            vec![("x-tallybook-token", text.clone())],
            vec![("x-api-key", text.clone())],
            vec![("api-key", format!("Bearer {text}"))],
            vec![
                ("authorization", "Basic cHJveHk6cHJveHk=".to_owned()),
                ("x-api-key", text.clone()),
            ],
        ] {
            let Presented::Token(found) = find(&headers) else {
                panic!("nothing in {headers:?}")
            };
            assert_eq!(
                (found.id.as_str(), found.is_of(&made.hash())),
                (made.id.as_str(), true)
            );
        }
    }

    #[test]
    fn what_is_no_token_is_told_from_nothing() {
        assert!(matches!(find(&[]), Presented::Nothing));
        assert!(matches!(
            find(&[("x-other", "tbi_".to_owned())]),
            Presented::Nothing
        ));
        for value in [
            "",
            "Bearer ",
            "Bearer secret",
            "Basic %%%",
            "Basic dXNlcg==",
            "Digest x",
        ] {
            let found = find(&[("authorization", value.to_owned())]);
            assert!(matches!(found, Presented::Other), "{value}");
        }
        assert!(
            HeaderNames::of(&["a b".to_owned()])
                .unwrap_err()
                .contains("a b")
        );
    }
}
