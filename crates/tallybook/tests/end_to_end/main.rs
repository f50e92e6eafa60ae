//! The real binary, sent what real clients send, and asked what people ask it.
//!
//! Every test starts a server of its own on an empty data directory. Expectations come from the
//! clients' own ledgers and from a reading of the recorded bodies that no code of the server takes
//! part in.
//!
//! | file | what it shows |
//! |---|---|
//! | `stage.rs` | what the tests share: a server, deliveries, expectations |
//! | `access.rs` | the first admin, people, keys, and the audit trail of all of it |
//! | `totals.rs` | every recorded scenario over its own transport comes to its ledger |
//! | `repetition.rs` | repeated, shuffled, split, merged and re-encoded deliveries change nothing |
//! | `crash.rs` | SIGKILL between and during requests loses and doubles nothing |
//! | `crowd.rs` | one address takes no more than its share of connections |
//! | `restart.rs` | a restart in the middle of a session, and after a flush |
//! | `load.rs` | 200 clients at once |
//! | `bad_input.rs` | what is wrong gets a clear answer and costs its neighbours nothing |
//! | `meters.rs` | what Prometheus is shown, and that the guide knows all of it |
//! | `log.rs` | the log tells nothing of what was sent or asked |
//! | `emit.rs` | what the emitter sends, library and command, is what the server answers with |
//! | `demo_data.rs` | example data comes and goes without a trace, and real items stay |
//! | `erase.rs` | somebody is erased: nothing is left in any byte, others have all of theirs |
//! | `refused.rs` | who was erased and is refused comes in no more |
//! | `hooks.rs` | the guide's recipes for hooks and scripts, run as they stand there |
//! | `rotation.rs` | keys are renewed while a server serves |
//! | `tls.rs` | TLS at every port, and what is said without it |
//! | `doctor.rs` | what is wrong is found, and how to mend it is said |
//! | `sign_in.rs` | the provider by which people sign in, as commands see it |
//! | `redacted.rs` | what is kept is decided by the token with which it came |
//! | `simulate.rs` | a simulated organisation is answered with its truth, however it came |
//! | `reports.rs` | named reports and explanations, of a server and of a data directory |
//! | `tokens.rs` | who may send, by ingest tokens, over every transport |
//! | `connect.rs` | setting a client up: what is wrong is named, and the first event is waited for |
//! | `command_line.rs` | the commands, their exit codes and their messages |

mod access;
mod bad_input;
mod command_line;
mod connect;
mod crash;
mod crowd;
mod demo_data;
mod doctor;
mod emit;
mod erase;
mod hooks;
mod load;
mod log;
mod meters;
mod privacy;
mod redacted;
mod refused;
mod repetition;
mod reports;
mod restart;
mod rotation;
mod sign_in;
mod simulate;
mod stage;
mod tls;
mod tokens;
mod totals;
