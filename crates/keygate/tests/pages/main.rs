//! The pages as people use them: without script over HTTP, and with it in a browser.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod access_keys;
mod accounts;
mod activity;
mod bots;
mod browser;
mod connections;
mod home;
mod limits;
mod lint;
mod next;
mod own_keys;
mod printed;
mod reader;
mod screen;
mod suspensions;
mod trying;
mod unsettled;
mod visitor;
mod walk;
