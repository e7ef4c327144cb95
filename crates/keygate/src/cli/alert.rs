//! `keygate alerts`: what the owner of a key should hear of.

use std::process::ExitCode;

use clap::Subcommand;

use super::{client::Client, output::Column, remote::Remote, say};
use crate::error::Fatal;

#[derive(Subcommand)]
pub enum AlertCommand {
    /// What is open
    List {
        /// Also what you have seen already
        #[arg(long)]
        all: bool,
    },
    /// You have seen it
    Acknowledge {
        /// Its id; everything that is open without it
        alert: Option<uuid::Uuid>,
    },
}

pub async fn run(remote: &Remote, command: AlertCommand) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    match command {
        AlertCommand::List { all } => {
            let path = if all { "/api/v1/alerts?all=true" } else { "/api/v1/alerts" };
            remote.output.list(&client.list(path).await?, &LIST);
        }
        AlertCommand::Acknowledge { alert } => {
            let one = alert.map(|id| format!("/{id}")).unwrap_or_default();
            client.post(&format!("/api/v1/alerts{one}/acknowledge"), None).await?;
            say("Noted.\n");
        }
    }
    Ok(ExitCode::SUCCESS)
}

const LIST: [Column; 6] = [
    ("when", "/last_at"),
    ("severity", "/severity"),
    ("kind", "/kind"),
    ("times", "/times"),
    ("what", "/text"),
    ("id", "/id"),
];
