//! Signing in by OpenID Connect: the authorization code flow with PKCE, as the relying party.
//!
//! Invariant: whoever comes back is who went out, and is who the provider says, now, to us. The state
//! is sealed in a cookie of the browser that began; the nonce ties the token to it; the token's
//! signature is verified with a key of the provider's own list, fetched through `outgoing`; issuer,
//! audience and times are checked. Which account that is, and what it may, is decided in `access`.
//!
//! | file | what is in it |
//! |---|---|
//! | `provider.rs` | the provider: beginning and finishing a sign-in |
//! | `source.rs` | what the provider says of itself and its keys, remembered for a while |
//! | `metadata.rs` | what the provider says of itself |
//! | `pending.rs` | a sign-in that is under way, sealed |
//! | `exchange.rs` | a code for tokens, and the claims about a person |
//! | `token.rs` | the ID token: signature and claims |
//! | `keys.rs` | the provider's keys |
//! | `signature.rs` | which signatures are taken |
//! | `hints.rs` | ID tokens of those who are signed in, for the end of their session |
//! | `secret.rs` | our own secret, from a file or the environment |
//! | `failure.rs` | why nobody is signed in |

mod exchange;
mod failure;
mod hints;
mod keys;
mod metadata;
mod pending;
mod provider;
mod secret;
mod signature;
mod source;
mod token;

pub use failure::Failure;
pub use pending::MINUTES;
pub use provider::{Config, Provider, Returned, Sent, texts};
pub use secret::ClientSecret;
pub use token::Claims;
