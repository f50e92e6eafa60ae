//! Views and reports over what real clients sent, against what these clients said they had spent.

mod catalogue;
mod catalogue_golden;
mod catalogue_parts;
mod catalogue_people;
mod catalogue_time;
mod coverage;
mod damaged;
mod explain;
mod handmade;
mod isolation;
mod ledger;
mod limits;
mod memory;
mod overview;
mod pages;
mod people;
mod replay;
mod retained;
mod simulated;
mod support;
mod tool_calls;
mod truth;
mod usage;
mod views;
mod why;
