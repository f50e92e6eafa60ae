//! A small provider: a real server on a port of its own that signs what it is told to.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING as SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use url::Url;

pub(crate) struct Small {
    pub(crate) issuer: String,
    state: Mutex<State>,
}

pub(crate) struct State {
    /// What it says otherwise in its tokens, and of itself.
    pub(crate) changes: Value,
    pub(crate) metadata: Value,
    pub(crate) userinfo: Value,
    /// Whether a token's claims are changed after they were signed.
    pub(crate) tampers: bool,
    /// What the token endpoint answers.
    pub(crate) status: u16,
    pub(crate) now_s: i64,
    /// By what the client showed who it is.
    pub(crate) authorization: String,
    asked: BTreeMap<String, usize>,
    /// Nonce and challenge of each code.
    codes: BTreeMap<String, (String, String)>,
    pair: EcdsaKeyPair,
    name: String,
    /// The keys that it says it has.
    pub(crate) listed: Vec<Value>,
}

impl State {
    fn new(now_s: i64) -> State {
        let mut state = State {
            changes: json!({}),
            metadata: json!({}),
            userinfo: json!({"sub": "subject-1", "groups": ["staff"]}),
            tampers: false,
            status: 200,
            now_s,
            authorization: String::new(),
            asked: BTreeMap::new(),
            codes: BTreeMap::new(),
            pair: pair(),
            name: String::new(),
            listed: Vec::new(),
        };
        state.rotate("one", true);
        state
    }

    /// How often a path was asked.
    pub(crate) fn asked(&self, last: &str) -> usize {
        self.asked.get(last).copied().unwrap_or_default()
    }

    /// Signs with another key from now on.
    pub(crate) fn rotate(&mut self, name: &str, is_listed: bool) {
        self.pair = pair();
        self.name = name.to_owned();
        self.listed.clear();
        if is_listed {
            self.list();
        }
    }

    pub(crate) fn list(&mut self) {
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        self.listed = vec![
            json!({"kty": "EC", "crv": "P-256", "kid": self.name, "use": "sig",
            "x": BASE64.encode(x), "y": BASE64.encode(y)}),
        ];
    }

    fn token(&self, issuer: &str, nonce: &str) -> String {
        let mut claims = json!({"iss": issuer, "aud": "tallybook", "sub": "subject-1", "nonce": nonce,
            "iat": self.now_s, "exp": self.now_s + 300, "email": "ann@example.com", "email_verified": true});
        merge(&mut claims, &self.changes);
        let part = |value: &Value| BASE64.encode(value.to_string());
        let head = part(&json!({"alg": "ES256", "kid": self.name}));
        let message = format!("{head}.{}", part(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes());
        let signature = BASE64.encode(signature.expect("works"));
        claims["sub"] = json!("boss");
        match self.tampers {
            true => format!("{head}.{}.{signature}", part(&claims)),
            false => format!("{message}.{signature}"),
        }
    }
}

impl Small {
    /// Starts one; it ends with the test.
    pub(crate) async fn start(now_s: i64) -> Arc<Small> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("an answer");
        let address = listener.local_addr().expect("an address");
        let small = Arc::new(Small {
            issuer: format!("http://{address}"),
            state: Mutex::new(State::new(now_s)),
        });
        let serving = Arc::clone(&small);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.expect("a connection");
                let small = Arc::clone(&serving);
                let service = service_fn(move |request| answered(Arc::clone(&small), request));
                let builder = hyper::server::conn::http1::Builder::new();
                tokio::spawn(builder.serve_connection(TokioIo::new(socket), service));
            }
        });
        small
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panicked")
    }

    /// What the person's browser brings back.
    pub(crate) fn authorise(&self, url: &Url) -> String {
        let asked: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        let mut state = self.state();
        let code = format!("code-{}", state.codes.len());
        let of_code = (asked["nonce"].clone(), asked["code_challenge"].clone());
        state.codes.insert(code.clone(), of_code);
        format!("code={code}&state={}", asked["state"])
    }

    fn answer(&self, path: &str, authorization: String, body: &[u8]) -> (u16, Value) {
        let at = |path: &str| format!("{}/{path}", self.issuer);
        let mut state = self.state();
        let last = path.rsplit('/').next().unwrap_or_default().to_owned();
        *state.asked.entry(last.clone()).or_default() += 1;
        match last.as_str() {
            "openid-configuration" => {
                let mut said = json!({"issuer": self.issuer, "authorization_endpoint": at("authorise"),
                    "token_endpoint": at("token"), "jwks_uri": at("keys"), "userinfo_endpoint": at("userinfo"),
                    "end_session_endpoint": at("end")});
                merge(&mut said, &state.metadata);
                (200, said)
            }
            "keys" => (200, json!({"keys": state.listed})),
            "userinfo" if authorization == "Bearer access" => (200, state.userinfo.clone()),
            "token" => {
                state.authorization = authorization;
                exchanged(&mut state, &self.issuer, body)
            }
            _ => (404, json!({})),
        }
    }
}

fn exchanged(state: &mut State, issuer: &str, body: &[u8]) -> (u16, Value) {
    if state.status != 200 {
        return (state.status, json!({"error": "invalid_client"}));
    }
    let form: BTreeMap<_, _> = url::form_urlencoded::parse(body).into_owned().collect();
    let verifier = digest(&SHA256, form["code_verifier"].as_bytes());
    match state.codes.remove(&form["code"]) {
        Some((nonce, challenge)) if challenge == BASE64.encode(verifier) => {
            let id_token = state.token(issuer, &nonce);
            (
                200,
                json!({"id_token": id_token, "access_token": "access", "token_type": "Bearer"}),
            )
        }
        _ => (400, json!({"error": "invalid_grant"})),
    }
}

async fn answered(
    small: Arc<Small>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let authorization = head.headers.get("authorization");
    let authorization = authorization
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let body = body.collect().await.expect("an answer").to_bytes();
    let (status, said) = small.answer(head.uri.path(), authorization.to_owned(), &body);
    let answer = Response::builder().status(status);
    Ok(answer
        .body(Full::new(Bytes::from(said.to_string())))
        .expect("works"))
}

fn pair() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(&SIGNING, &random).expect("works");
    EcdsaKeyPair::from_pkcs8(&SIGNING, made.as_ref(), &random).expect("works")
}

fn merge(value: &mut Value, changes: &Value) {
    for (name, change) in changes.as_object().expect("works") {
        value[name] = change.clone();
    }
}
