//! What a caller of the HTTP interface may rely on: every module mirrors a part of the URL. Each test has a
//! server, a database and a pretend exchange of its own, so that they can run beside each other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod api;
mod bot;
#[path = "../dialects/orders.rs"]
mod dialects;
mod raw;
mod stream;
mod world;

mod access_keys;
mod activity;
mod alerts;
mod answers;
mod api_keys;
mod audit;
mod auth;
mod backup;
mod bad_input;
mod bots;
mod connections;
mod faults;
mod gateway;
mod idempotency;
mod limits;
mod openapi;
mod own_keys;
mod panic;
mod risk;
mod routes;
mod settings;
mod setup;
mod sockets;
mod step_up;
mod streams;
mod tenancy;
mod users;
