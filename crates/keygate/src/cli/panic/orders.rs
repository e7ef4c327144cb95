//! What becomes of open orders: waited for, and told connection by connection.

use std::{process::ExitCode, time::Duration};

use serde_json::Value;

use crate::{
    cli::{
        client::Client,
        exit,
        output::{Output, cell, out},
        remote::Remote,
        say,
    },
    error::Fatal,
};

/// Asks until nothing is under way any more, or for as long as it may take.
pub async fn wait(client: &Client, mut state: Value) -> Result<Value, Fatal> {
    say("Taking open orders back.\n");
    for _ in 0..TURNS {
        if stops(&state).all(|orders| orders["finished"] == true) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        state = client.get("/api/v1/panic").await?;
    }
    Ok(state)
}

/// Says what was taken back. A failure, unless all that was asked for is done.
pub fn told(remote: &Remote, state: &Value) -> ExitCode {
    let mut done = true;
    for orders in stops(state) {
        done &= orders["finished"] == true;
        for own in orders["connections"].as_array().into_iter().flatten() {
            done &= is_done(own);
            if remote.output == Output::Table {
                tell(own);
            }
        }
        let everybody = &orders["everybody"];
        if everybody.is_object() {
            done &= everybody["still_open"] == 0 && everybody["problems"] == 0;
            let part = |name: &str| cell(everybody.get(name));
            say(&format!(
                "Everybody: {} of {} connections done, {} orders taken back, {} open still.\n",
                part("ended"),
                part("connections"),
                part("cancelled"),
                part("still_open")
            ));
        }
    }
    match done {
        true => ExitCode::SUCCESS,
        false => {
            say("Not all orders were taken back: look at the exchange, or run it once more.\n");
            ExitCode::from(exit::FAILURE)
        }
    }
}

fn tell(own: &Value) {
    let part = |name: &str| cell(own.get(name));
    let name = part("name");
    out(&format!(
        "{name}: {} orders found, {} taken back, {} gone before\n",
        part("found"),
        part("cancelled"),
        part("gone")
    ));
    for left in own["still_open"].as_array().into_iter().flatten() {
        let part = |name: &str| cell(left.get(name));
        out(&format!("{name}: open still: {} {}: {}\n", part("market"), part("order"), part("reason")));
    }
    for (member, what) in [("problem", "not done: "), ("note", "")] {
        if own[member].is_string() {
            out(&format!("{name}: {what}{}\n", part(member)));
        }
    }
}

fn is_done(own: &Value) -> bool {
    own["state"] == "ended"
        && own["problem"].is_null()
        && own["still_open"].as_array().is_some_and(Vec::is_empty)
}

/// The stops that take orders back.
fn stops(state: &Value) -> impl Iterator<Item = &Value> {
    state["in_force"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|stop| &stop["orders"])
        .filter(|orders| orders.is_object())
}

const PAUSE: Duration = Duration::from_millis(500);
/// Two minutes: a connection takes one at most.
const TURNS: usize = 240;
