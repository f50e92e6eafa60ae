//! The API over real connections, from a store that holds what real clients sent.

mod access;
mod bench;
mod catalogue;
mod crawl;
mod federated;
mod guard;
mod live;
mod replaying;
mod reports;
mod serving;
mod sql;
mod strangers;
mod tenants;
mod web;
