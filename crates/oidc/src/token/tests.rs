//! Tokens that are right in all but one thing, and signatures of another implementation.
//!
//! `signed.json` holds public keys and tokens that the JavaScript library `jose` made, one for each
//! algorithm; the private keys were thrown away. All other tokens are signed here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING as SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use super::*;

const NOW_S: i64 = 1_800_000_010;
const EXPECTED: Expected<'_> = Expected {
    issuer: "https://sso.example.com",
    client_id: "tallybook",
    nonce: "the nonce",
    now_s: NOW_S,
};

/// A provider's key, and what it signs.
struct Signer {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Signer {
    fn new() -> Signer {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&SIGNING, made.as_ref(), &random).unwrap();
        Signer { pair, random }
    }

    fn jwk(&self, id: Option<&str>) -> Value {
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let mut jwk =
            json!({"kty": "EC", "crv": "P-256", "x": BASE64.encode(x), "y": BASE64.encode(y)});
        if let Some(id) = id {
            jwk["kid"] = json!(id);
        }
        jwk
    }

    fn sign(&self, head: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64.encode(value.to_string());
        let message = format!("{}.{}", part(head), part(claims));
        let signature = self.pair.sign(&self.random, message.as_bytes()).unwrap();
        format!("{message}.{}", BASE64.encode(signature))
    }
}

fn keys(listed: &[Value]) -> Keys {
    Keys::read(json!({"keys": listed}).to_string().as_bytes()).unwrap()
}

fn head() -> Value {
    json!({"alg": "ES256", "kid": "one", "typ": "JWT"})
}

fn claims() -> Value {
    json!({"iss": EXPECTED.issuer, "aud": "tallybook", "sub": "subject-1", "nonce": EXPECTED.nonce,
        "iat": NOW_S - 10, "exp": NOW_S + 300})
}

fn with(mut value: Value, changes: &Value) -> Value {
    for (name, change) in changes.as_object().unwrap() {
        match change {
            Value::Null => value.as_object_mut().unwrap().remove(name),
            other => value
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), other.clone()),
        };
    }
    value
}

#[test]
fn signatures_of_another_implementation_are_right() {
    let file: Value = serde_json::from_str(include_str!("signed.json")).unwrap();
    let all = Keys::read(file.to_string().as_bytes()).unwrap();
    assert_eq!(all.len(), Algorithm::NAMES.len());
    for (name, _) in Algorithm::NAMES {
        let text = file["tokens"][name].as_str().unwrap();
        let token =
            Token::read(text, &all, &EXPECTED).unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
        assert_eq!(token.claims["groups"], json!(["staff"]), "{name}");
        let (message, signature) = text.rsplit_once('.').unwrap();
        let mut bytes = BASE64.decode(signature).unwrap();
        bytes[20] ^= 1;
        let forged = format!("{message}.{}", BASE64.encode(bytes));
        let fault = Token::read(&forged, &all, &EXPECTED).unwrap_err();
        assert_eq!(
            fault,
            Fault::Wrong("its signature is not right".into()),
            "{name}"
        );
    }
}

#[test]
fn every_claim_is_checked() {
    let signer = Signer::new();
    let keys = keys(&[signer.jwk(Some("one"))]);
    let read = |changes: Value| {
        let text = signer.sign(&head(), &with(claims(), &changes));
        Token::read(&text, &keys, &EXPECTED)
    };
    assert!(read(json!({})).is_ok());
    for (changes, why) in [
        (json!({"iss": "https://evil.example"}), "issuer"),
        (json!({"iss": "https://sso.example.com/"}), "issuer"),
        (json!({"iss": null}), "issuer"),
        (json!({"aud": "other"}), "(aud)"),
        (json!({"aud": null}), "(aud)"),
        (json!({"aud": []}), "(aud)"),
        (json!({"aud": ["other"]}), "(aud)"),
        (json!({"aud": ["tallybook", "other"]}), "(azp)"),
        (
            json!({"aud": ["tallybook", "other"], "azp": "other"}),
            "(azp)",
        ),
        (json!({"azp": "other"}), "(azp)"),
        (json!({"azp": 7}), "(azp)"),
        (json!({"nonce": "another"}), "(nonce)"),
        (json!({"nonce": null}), "(nonce)"),
        (json!({"exp": NOW_S - LEEWAY_S}), "expired"),
        (json!({"exp": null}), "(exp)"),
        (json!({"exp": "tomorrow"}), "exp is no time"),
        (json!({"exp": -1}), "exp is no time"),
        (json!({"iat": null}), "(iat)"),
        (json!({"iat": NOW_S + LEEWAY_S + 1}), "clocks"),
        (json!({"iat": NOW_S - AGE_S_MAX - LEEWAY_S - 1}), "ago"),
        (json!({"nbf": NOW_S + LEEWAY_S + 1}), "(nbf)"),
        (json!({"sub": null}), "(sub)"),
        (json!({"sub": ""}), "(sub)"),
        (json!({"sub": 7}), "(sub)"),
    ] {
        match read(changes.clone()) {
            Err(Fault::Wrong(said)) => assert!(said.contains(why), "{changes}: {said}"),
            other => panic!("{changes}: {other:?}"),
        }
    }
    for changes in [
        json!({"exp": NOW_S - LEEWAY_S + 1}),
        json!({"exp": NOW_S as f64 + 0.5}),
        json!({"iat": NOW_S + LEEWAY_S}),
        json!({"aud": ["tallybook"]}),
        json!({"aud": ["tallybook", "account"], "azp": "tallybook"}),
        json!({"nbf": NOW_S}),
    ] {
        assert!(read(changes.clone()).is_ok(), "{changes}");
    }
}

#[test]
fn only_the_providers_own_signature_counts() {
    let (signer, stranger) = (Signer::new(), Signer::new());
    let own = keys(&[signer.jwk(Some("one"))]);
    let fault = |text: &str, keys: &Keys| Token::read(text, keys, &EXPECTED).unwrap_err();
    let signed = signer.sign(&head(), &claims());
    let is_wrong = |fault: Fault, why: &str| match fault {
        Fault::Wrong(said) => assert!(said.contains(why), "{said}"),
        Fault::UnknownKey => panic!("{why}"),
    };
    is_wrong(fault(&stranger.sign(&head(), &claims()), &own), "signature");
    let [first, _, last] = signed.split('.').collect::<Vec<_>>()[..] else {
        panic!()
    };
    let other = BASE64.encode(with(claims(), &json!({"sub": "boss"})).to_string());
    is_wrong(fault(&format!("{first}.{other}.{last}"), &own), "signature");
    is_wrong(fault(&format!("{first}.{other}."), &own), "signature");
    for alg in ["none", "None", "HS256", "HS512", "ES512", "ES256K", ""] {
        let text = signer.sign(&with(head(), &json!({"alg": alg})), &claims());
        is_wrong(fault(&text, &own), "algorithm");
    }
    // The key is there, and signs otherwise.
    let text = signer.sign(&with(head(), &json!({"alg": "RS256"})), &claims());
    assert_eq!(fault(&text, &own), Fault::UnknownKey);
    let text = signer.sign(&with(head(), &json!({"kid": "two"})), &claims());
    assert_eq!(fault(&text, &own), Fault::UnknownKey);
    is_wrong(
        fault(
            &signer.sign(&with(head(), &json!({"crit": ["x"]})), &claims()),
            &own,
        ),
        "crit",
    );
    is_wrong(
        fault(
            &signer.sign(&with(head(), &json!({"typ": "at+jwt"})), &claims()),
            &own,
        ),
        "type",
    );
    let long = signer.sign(
        &head(),
        &with(claims(), &json!({"x": "x".repeat(TOKEN_BYTES_MAX)})),
    );
    is_wrong(fault(&long, &own), "long");
    for odd in [
        "",
        "a",
        "a.b",
        "a.b.c.d",
        "..",
        "e30.e30.",
        &format!("{signed}="),
    ] {
        assert!(matches!(fault(odd, &own), Fault::Wrong(_)), "{odd}");
    }
}

#[test]
fn keys_for_other_uses_are_passed_over() {
    let (signer, other) = (Signer::new(), Signer::new());
    let text = signer.sign(&with(head(), &json!({"kid": null})), &claims());
    let unnamed = keys(&[other.jwk(None), signer.jwk(Some("any"))]);
    assert!(
        Token::read(&text, &unnamed, &EXPECTED).is_ok(),
        "without a name all are tried"
    );
    let text = signer.sign(&head(), &claims());
    for change in [
        json!({"use": "enc"}),
        json!({"key_ops": ["encrypt"]}),
        json!({"alg": "ES384"}),
        json!({"alg": "RSA-OAEP"}),
        json!({"crv": "secp256k1"}),
        json!({"x": "AA"}),
        json!({"kty": "oct"}),
    ] {
        let listed = keys(&[with(signer.jwk(Some("one")), &change), json!("nonsense")]);
        let read = Token::read(&text, &listed, &EXPECTED);
        assert_eq!(read.unwrap_err(), Fault::UnknownKey, "{change}");
    }
    let many = vec![signer.jwk(None); 101];
    assert!(Keys::read(json!({"keys": many}).to_string().as_bytes()).is_err());
    assert!(Keys::read(b"{}").is_err() && Keys::read(b"<html>").is_err());
}

#[test]
fn an_access_token_belongs_to_its_id_token() {
    let signer = Signer::new();
    let keys = keys(&[signer.jwk(Some("one"))]);
    let hash = ring::digest::digest(&ring::digest::SHA256, b"access");
    let half = BASE64.encode(&hash.as_ref()[..16]);
    let text = signer.sign(&head(), &with(claims(), &json!({"at_hash": half})));
    let token = Token::read(&text, &keys, &EXPECTED).unwrap();
    assert!(token.goes_with("access") && !token.goes_with("another"));
}
