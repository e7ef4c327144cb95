//! `keygate suspension`: access keys that stand still because they were used in an unusual way.

use std::process::ExitCode;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::Client,
    exit,
    output::Column,
    remote::{PasswordSource, Remote},
    say,
};
use crate::error::Fatal;

#[derive(Subcommand)]
pub enum SuspensionCommand {
    /// What stands still and why, then what did
    List,
    /// It was you: sign again; needs your password. If it was not you: `keygate access revoke KEY`
    Confirm {
        /// Id of the suspension, or the key's prefix
        key: String,
        #[command(flatten)]
        password: PasswordSource,
    },
}

pub async fn run(remote: &Remote, command: SuspensionCommand) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    match command {
        SuspensionCommand::List => {
            let all: Vec<Value> = client.list(PATH).await?.into_iter().map(with_names).collect();
            remote.output.list(&all, &COLUMNS);
        }
        SuspensionCommand::Confirm { key, password } => {
            let id = find(&client, &key).await?;
            let path = format!("{PATH}/{id}/confirm");
            let row = client.confirmed(remote, &password, Method::POST, &path, json!({})).await?;
            remote.output.one(&with_names(row), &COLUMNS);
            say("The key signs again.\n");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The reasons as one text beside their list.
fn with_names(mut row: Value) -> Value {
    let reasons = row["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names: Vec<&str> = reasons.iter().filter_map(|reason| reason["name"].as_str()).collect();
    row["why"] = names.join(", ").into();
    row
}

/// The id of what is in force, by that id or the prefix of the key.
async fn find(client: &Client, wanted: &str) -> Result<String, Fatal> {
    let all = client.list(PATH).await?;
    let own = all.iter().find(|row| {
        let is_named = [&row["id"], &row["key_prefix"]].iter().any(|own| **own == *wanted);
        row["confirmed_at"].is_null() && row["revoked_at"].is_null() && is_named
    });
    own.and_then(|row| row["id"].as_str()).map(str::to_owned).ok_or_else(|| Fatal {
        what: format!("'{wanted}' does not stand still"),
        next: "`keygate suspension list` shows what does".to_owned(),
        exit: exit::NOT_FOUND,
    })
}

const PATH: &str = "/api/v1/suspensions";
const COLUMNS: [Column; 9] = [
    ("key", "/key_prefix"),
    ("bot", "/bot_name"),
    ("score", "/score"),
    ("why", "/why"),
    ("from", "/ip"),
    ("suspended", "/suspended_at"),
    ("confirmed", "/confirmed_at"),
    ("revoked", "/revoked_at"),
    ("id", "/id"),
];
