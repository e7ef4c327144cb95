//! The pretend exchange over HTTP, as a client meets it. Time stands still unless a test moves it.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod binance_auth;
mod binance_market;
mod binance_order;
mod binance_socket;
mod binance_wallet;
mod caller;
mod coinone_auth;
mod coinone_order;
mod demo;
mod own_key;
mod vectors;
