//! Promises of the database, checked on real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod context;
mod contract;
mod world;
