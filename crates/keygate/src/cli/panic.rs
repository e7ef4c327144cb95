//! `keygate panic`: stop all signing, and sign again.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

mod orders;

use super::{
    client::Client,
    connection,
    output::{Column, Output, cell},
    remote::{PasswordSource, Remote},
    say,
};
use crate::error::Fatal;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct PanicArgs {
    #[command(subcommand)]
    command: Option<PanicCommand>,
    #[command(flatten)]
    what: What,
    /// A note for later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Then take open orders back, and wait until that is done
    #[arg(long)]
    cancel_orders: bool,
}

#[derive(Subcommand)]
enum PanicCommand {
    /// What stands still, and the last call that was signed
    Show,
    /// Sign again; needs your password
    Resume {
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        password: PasswordSource,
    },
}

#[derive(Args)]
struct What {
    /// One connection; everything of yours without it
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Everybody's programs (administrators)
    #[arg(long, conflicts_with = "connection")]
    site: bool,
}

/// Stops without a question: who panics has no time for one.
pub async fn run(remote: &Remote, args: PanicArgs) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    match args.command {
        None => {
            let mut body = args.what.body(&client).await?;
            body["reason"] = json!(args.reason);
            body["cancel_orders"] = json!(args.cancel_orders);
            let mut state = client.post("/api/v1/panic", Some(body)).await?;
            say(&args.what.stopped());
            if args.cancel_orders {
                state = orders::wait(&client, state).await?;
            }
            show(remote, &state);
            return Ok(if args.cancel_orders { orders::told(remote, &state) } else { ExitCode::SUCCESS });
        }
        Some(PanicCommand::Show) => {
            let state = client.get("/api/v1/panic").await?;
            show(remote, &state);
            orders::told(remote, &state);
        }
        Some(PanicCommand::Resume { what, password }) => {
            let body = what.body(&client).await?;
            let path = "/api/v1/panic/resume";
            let state = client.confirmed(remote, &password, Method::POST, path, body).await?;
            show(remote, &state);
            say(&goes_on(&state));
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl What {
    fn stopped(&self) -> String {
        match (&self.connection, self.site) {
            (Some(name), _) => format!(
                "Signing with {name} has stopped. `keygate panic resume --connection {name}` starts it again.\n"
            ),
            (None, true) => {
                "All signing on this site has stopped. `keygate panic resume --site` starts it again.\n"
                    .to_owned()
            }
            (None, false) => "All signing has stopped. `keygate panic resume` starts it again.\n".to_owned(),
        }
    }

    async fn body(&self, client: &Client) -> Result<Value, Fatal> {
        let id = match &self.connection {
            Some(connection) => connection::find(client, connection).await?["id"].clone(),
            None => Value::Null,
        };
        Ok(json!({ "connection_id": id, "site": self.site }))
    }
}

/// Every stop that is in force, and the last call that was signed.
fn show(remote: &Remote, state: &Value) {
    if remote.output != Output::Table {
        return remote.output.one(state, &[]);
    }
    let stops = stops(state);
    if !stops.is_empty() {
        remote.output.list(stops, &STOPS);
    }
    remote.output.one(state, &LAST);
}

fn stops(state: &Value) -> &[Value] {
    state["in_force"].as_array().map_or(&[], Vec::as_slice)
}

/// After the end of one stop others may be in force, and hold the same programs.
fn goes_on(state: &Value) -> String {
    let left: Vec<String> = stops(state).iter().map(named).collect();
    match left.is_empty() {
        true => "Signing goes on.\n".to_owned(),
        false => format!("This stop has ended. Still stopped: {}.\n", left.join(", ")),
    }
}

fn named(stop: &Value) -> String {
    match stop["scope"].as_str() {
        Some("site") => "everybody on this site".to_owned(),
        Some("connection") => format!("connection {}", cell(stop.get("connection"))),
        _ => "all your programs".to_owned(),
    }
}

const STOPS: [Column; 4] =
    [("stopped", "/scope"), ("connection", "/connection"), ("since", "/since"), ("reason", "/reason")];
const LAST: [Column; 3] =
    [("last signed", "/last_signed/at"), ("method", "/last_signed/method"), ("path", "/last_signed/path")];
