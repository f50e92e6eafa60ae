//! The named answers.
