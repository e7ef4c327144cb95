//! Promises of the database, checked on real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod catalogue;
mod context;
mod contract;
mod fixture;
mod keys;
mod matrix;
mod mutation;
mod records;
mod sealed;
mod users;
mod world;
