//! The pretend exchange over HTTP, as a client meets it. Time stands still unless a test moves it.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod binance_auth;
mod binance_market;
mod binance_order;
mod binance_socket;
mod binance_wallet;
mod bitfinex;
mod bitget;
mod bithumb;
mod bitstamp;
mod bybit;
mod bybit_socket;
mod caller;
mod coinbase;
mod coinbaseexchange;
mod coinone_auth;
mod coinone_order;
mod cryptocom;
mod demo;
mod fault;
mod gate;
mod htx;
mod kraken;
mod kraken_socket;
mod kucoin;
mod mexc;
mod okx;
mod own_key;
mod upbit;
mod vectors;
