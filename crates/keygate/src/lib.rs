//! Keygate: a vault and signing gateway for exchange API keys.
//!
//! One line of duty each; a noun of the product is a folder, and one grep for it finds its table, its rules,
//! its endpoint, its page, its command and its test.

pub mod access_key; // what programs show to Keygate: personal keys and virtual pairs
pub mod activity; // the timeline of what happened with which key
pub mod alert; // what the owner of a key must hear of
pub mod api_key; // the older, documented routes for exchange keys
pub mod app; // what the whole program shares
pub mod audit; // records of the management side, and what proves all records
pub mod auth; // who calls and what they may do
pub mod bot; // programs that use a key
pub mod cli; // the command line
pub mod clock; // time as an argument
pub mod cluster; // the private PostgreSQL
pub mod config; // settings and where they come from
pub mod connection; // accounts at exchanges and the keys they sign with
pub mod db; // Db and Tx: one transaction, one role, one signed user context
pub mod error; // errors are answers
pub mod exchanges; // which exchanges there are
pub mod gateway; // /x/: verify, decide, record, sign, send
pub mod hardening; // process memory: wiped, not dumped
pub mod health; // /livez, /readyz
pub mod http; // router, layers, listener
pub mod idempotency; // requests that are sent again are carried out once
pub mod job; // background work
pub mod key_ring; // the key hierarchy
pub mod limits; // how much the programs of a connection may do
pub mod log; // structured logs
pub mod openapi; // the API's own description
pub mod page; // server-rendered pages
pub mod panic; // all signing stops
pub mod risk; // how likely a call is somebody else's, and what follows
pub mod snippet; // code to paste that points a client at the gate
pub mod start; // bringing a server up and down
pub mod unsettled; // calls of which nobody knows what became
pub mod upstream; // the one way out to exchanges
pub mod user; // who may sign in
