//! Tallybook.
