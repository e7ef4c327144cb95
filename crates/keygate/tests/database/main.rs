//! Promises of the database, checked on real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod calls;
mod cancel;
mod catalogue;
mod changes;
mod cluster;
mod context;
mod contract;
mod fixture;
mod gateway_role;
mod keys;
mod matrix;
mod mutation;
mod records;
mod sealed;
mod start;
mod users;
mod world;
