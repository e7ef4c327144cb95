//! `keygate bot`: programs that use a connection's key.

use std::process::ExitCode;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    client::Client,
    connection, exit,
    output::{Column, cell},
    remote::{PasswordSource, Remote, usage},
    say,
};
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
    /// Change a bot: its name, its symbol, whether it runs
    Set {
        bot: String,
        /// What to call it
        #[arg(long)]
        name: Option<String>,
        /// The only symbol it may trade. Another one than it has needs your password and waits
        #[arg(long)]
        symbol: Option<String>,
        /// Let it trade any symbol. Needs your password and waits
        #[arg(long, conflicts_with = "symbol")]
        any_symbol: bool,
        /// Refuse its calls
        #[arg(long)]
        stop: bool,
        /// Take its calls again
        #[arg(long, conflicts_with = "stop")]
        start: bool,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Take back a symbol that waits
    Cancel { bot: String },
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
        BotCommand::Set { bot, name, symbol, any_symbol, stop, start, password } => {
            let change = change(name, symbol, any_symbol, stop, start)?;
            let path = path(&find(&client, &bot).await?);
            let bot = client.confirmed(remote, &password, Method::PATCH, &path, change).await?;
            remote.output.one(&bot, &SHOW);
            if let Some(at) = bot.pointer("/pending_symbol/effective_at") {
                say(&format!(
                    "The symbol waits until {}. `keygate bot cancel {}` takes it back.\n",
                    cell(Some(at)),
                    connection::quoted(&cell(bot.get("name")))
                ));
            }
        }
        BotCommand::Cancel { bot } => {
            let path = format!("{}/pending-symbol", path(&find(&client, &bot).await?));
            remote.output.one(&client.delete(&path).await?, &SHOW);
        }
        BotCommand::Delete { bot, yes } => {
            let bot = find(&client, &bot).await?;
            let name = bot["name"].as_str().unwrap_or_default();
            remote.agree(&format!("Delete bot '{name}' and its access keys?"), yes)?;
            client.delete(&path(&bot)).await?;
            say(&format!("Bot '{name}' is gone, and its access keys open nothing any more.\n"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn path(bot: &Value) -> String {
    format!("/api/v1/bots/{}", bot["id"].as_str().unwrap_or_default())
}

/// What is to be changed, and nothing else.
fn change(
    name: Option<String>,
    symbol: Option<String>,
    any_symbol: bool,
    stop: bool,
    start: bool,
) -> Result<Value, Fatal> {
    let mut change = Map::new();
    change.extend(name.map(|name| ("name".to_owned(), name.into())));
    if symbol.is_some() || any_symbol {
        change.insert("symbol".to_owned(), symbol.into());
    }
    if stop || start {
        change.insert("is_active".to_owned(), start.into());
    }
    match change.is_empty() {
        true => Err(usage("nothing to change", "pass --name, --symbol, --any-symbol, --stop or --start")),
        false => Ok(change.into()),
    }
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
const SHOW: [Column; 11] = [
    ("id", "/id"),
    ("name", "/name"),
    ("connection", "/connection_name"),
    ("exchange", "/exchange"),
    ("environment", "/environment"),
    ("symbol", "/symbol"),
    ("waiting symbol", "/pending_symbol/symbol"),
    ("from", "/pending_symbol/effective_at"),
    ("active", "/is_active"),
    ("access keys", "/active_access_keys"),
    ("last call", "/last_used_at"),
];
