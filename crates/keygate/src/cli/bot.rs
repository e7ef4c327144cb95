//! `keygate bot`: programs that use a connection's key.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{client::Client, connection, exit, output::Column, remote::Remote, say};
use crate::error::Fatal;

#[derive(Subcommand)]
pub enum BotCommand {
    /// Make a bot on a connection
    Add {
        name: String,
        /// Name or id of the connection
        #[arg(long)]
        connection: String,
        /// The only symbol it may trade, such as BTC/USDT
        #[arg(long)]
        symbol: Option<String>,
    },
    /// All bots
    List,
    /// One bot
    Show { bot: String },
    /// Take a bot and its access keys away, for good
    Delete {
        bot: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

pub async fn run(remote: &Remote, command: BotCommand) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    match command {
        BotCommand::Add { name, connection, symbol } => {
            let connection = connection::find(&client, &connection).await?;
            let body = json!({ "connection_id": connection["id"], "name": name, "symbol": symbol });
            remote.output.one(&client.post("/api/v1/bots", Some(body)).await?, &SHOW);
            say("Next: keygate access create --bot NAME, or keygate config ccxt --bot NAME --new-pair\n");
        }
        BotCommand::List => remote.output.list(&client.list("/api/v1/bots").await?, &LIST),
        BotCommand::Show { bot } => remote.output.one(&find(&client, &bot).await?, &SHOW),
        BotCommand::Delete { bot, yes } => {
            let bot = find(&client, &bot).await?;
            let name = bot["name"].as_str().unwrap_or_default();
            remote.agree(&format!("Delete bot '{name}' and its access keys?"), yes)?;
            client.delete(&format!("/api/v1/bots/{}", bot["id"].as_str().unwrap_or_default())).await?;
            say(&format!("Bot '{name}' is gone, and its access keys open nothing any more.\n"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The bot with this name or id.
pub async fn find(client: &Client, wanted: &str) -> Result<Value, Fatal> {
    let bots = client.list("/api/v1/bots").await?;
    let found = bots.into_iter().find(|bot| bot["name"] == *wanted || bot["id"] == *wanted);
    found.ok_or_else(|| Fatal {
        what: format!("no bot '{wanted}'"),
        next: "`keygate bot list` shows all".to_owned(),
        exit: exit::NOT_FOUND,
    })
}

const LIST: [Column; 7] = [
    ("name", "/name"),
    ("connection", "/connection_name"),
    ("exchange", "/exchange"),
    ("symbol", "/symbol"),
    ("active", "/is_active"),
    ("access keys", "/active_access_keys"),
    ("last call", "/last_used_at"),
];
const SHOW: [Column; 9] = [
    ("id", "/id"),
    ("name", "/name"),
    ("connection", "/connection_name"),
    ("exchange", "/exchange"),
    ("environment", "/environment"),
    ("symbol", "/symbol"),
    ("active", "/is_active"),
    ("access keys", "/active_access_keys"),
    ("last call", "/last_used_at"),
];
