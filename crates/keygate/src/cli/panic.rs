//! `keygate panic`: stop all signing, and sign again.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

mod orders;

use super::{
    client::Client,
    connection,
    output::Column,
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
            say("All signing has stopped. `keygate panic resume` starts it again.\n");
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
            show(remote, &client.confirmed(remote, &password, Method::POST, path, body).await?);
            say("Signing goes on.\n");
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl What {
    async fn body(&self, client: &Client) -> Result<Value, Fatal> {
        let id = match &self.connection {
            Some(connection) => connection::find(client, connection).await?["id"].clone(),
            None => Value::Null,
        };
        Ok(json!({ "connection_id": id, "site": self.site }))
    }
}

fn show(remote: &Remote, state: &Value) {
    remote.output.one(state, &SHOW);
}

const SHOW: [Column; 5] = [
    ("stopped", "/in_force/0/scope"),
    ("since", "/in_force/0/since"),
    ("last signed", "/last_signed/at"),
    ("method", "/last_signed/method"),
    ("path", "/last_signed/path"),
];
