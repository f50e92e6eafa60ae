//! What it rests on whose an item is.

/// What the person of an item rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    Email,
    Account,
    Session,
    Installation,
    Mapping,
    Token,
    InstallationId,
}

impl Basis {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Basis::Email => "email",
            Basis::Account => "account",
            Basis::Session => "session",
            Basis::Installation => "installation",
            Basis::Mapping => "mapping",
            Basis::Token => "token",
            Basis::InstallationId => "installation_id",
        }
    }
}
