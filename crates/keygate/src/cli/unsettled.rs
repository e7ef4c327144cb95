//! `keygate unsettled`: calls of which nobody knows what became.

use std::process::ExitCode;

use clap::{ArgGroup, Subcommand};
use reqwest::Method;
use serde_json::json;

use super::{
    client::Client,
    output::Column,
    remote::{PasswordSource, Remote},
    say,
};
use crate::error::Fatal;

#[derive(Subcommand)]
pub enum UnsettledCommand {
    /// Orders and withdrawals whose answer was lost, and what they hold
    List,
    /// Say what became of one that the exchange cannot tell about; needs your password
    #[command(group = ArgGroup::new("word").required(true))]
    Settle {
        /// The request id of the call
        request: uuid::Uuid,
        /// It happened: it stays counted
        #[arg(long, group = "word")]
        happened: bool,
        /// It never happened: what it held is free again
        #[arg(long, group = "word")]
        never: bool,
        /// Which order of a batch
        #[arg(long, default_value_t = 0)]
        place: i16,
        #[command(flatten)]
        password: PasswordSource,
    },
}

pub async fn run(remote: &Remote, command: UnsettledCommand) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    match command {
        UnsettledCommand::List => remote.output.list(&client.list(PATH).await?, &COLUMNS),
        UnsettledCommand::Settle { request, happened, never: _, place, password } => {
            let body = json!({ "place": place, "happened": happened });
            let path = format!("{PATH}/{request}");
            client.confirmed(remote, &password, Method::POST, &path, body).await?;
            say(if happened { "Settled: it happened.\n" } else { "Settled: it never happened.\n" });
        }
    }
    Ok(ExitCode::SUCCESS)
}

const PATH: &str = "/api/v1/unsettled";
const COLUMNS: [Column; 9] = [
    ("sent", "/made_at"),
    ("connection", "/connection"),
    ("kind", "/kind"),
    ("symbol", "/symbol"),
    ("usd", "/usd"),
    ("its id", "/client_id"),
    ("being asked", "/is_asked"),
    ("place", "/place"),
    ("request", "/request_id"),
];
