//! The command line as a person and a script use it: the real binary, against a server it starts itself.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: also outside the test functions")]

mod accounts;
mod audit;
mod bots;
mod database;
mod doctor;
mod errands;
mod first_steps;
mod following;
mod home;
mod limits;
mod lost_answers;
mod manners;
mod own_key;
mod panic;
mod pem;
mod program;
mod signing;
mod starting;
mod suspension;
mod terminal;
mod trying;
mod unsettled;
