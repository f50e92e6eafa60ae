//! The whole of it: recorded requests rebuilt from the calls that caused them, and the way to a
//! receiver that is there, busy, or away.

pub(crate) mod authority;
mod bodies;
mod calls;
mod captures;
mod cowork;
mod delivery;
mod egress;
mod events;
mod points;
mod repository;
mod spans;
mod stage;
mod tls;
mod traces;
