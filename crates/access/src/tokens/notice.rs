//! What the audit trail is told of tokens.

use super::token::Token;

/// Something that happened to a token, or by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// One was made; with the id of the one that it replaces.
    Created {
        /// The new one.
        token: Token,
        /// The id of the token that ends for it.
        replaces: Option<String>,
    },
    /// One was revoked.
    Revoked {
        /// Which.
        token: Token,
    },
    /// Items named an organisation, a person or a product that their token may not write for.
    Foreign {
        /// The token's id.
        token: String,
        /// How many of one request.
        items: u64,
        /// Of what they named another, without the value: the first one's.
        reason: String,
        /// Whether the whole request was refused; else the items were quarantined.
        refused: bool,
    },
}

/// Who is told. It is called where things happen, so it must be quick.
pub trait Listener: Send + Sync {
    /// Takes note.
    fn note(&self, notice: &Notice);
}
