//! `keygate access`: what programs show to Keygate. Secrets are printed once, when a key is made.

use std::process::ExitCode;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    bot,
    client::Client,
    exit,
    output::Column,
    remote::{PasswordSource, Remote},
    say,
};
use crate::error::Fatal;

#[derive(Subcommand)]
pub enum AccessCommand {
    /// Make a virtual pair for a bot, or without --bot your personal access key; printed once
    Create {
        /// Name or id of the bot
        #[arg(long)]
        bot: Option<String>,
        /// What to call the key
        #[arg(long)]
        name: Option<String>,
        /// What the key may do: for a bot some of read, trade, transfer, withdraw (default: all its connection
        /// allows); for you some of read, manage, trade (default: read)
        #[arg(long, value_delimiter = ',')]
        scopes: Option<Vec<String>>,
        /// Days until it ends, 1 to 365 (default: 365 for a bot, 90 for you)
        #[arg(long)]
        days: Option<u16>,
        /// An address or network that calls with it may come from, such as 10.0.0.0/24 (repeatable; default: anywhere)
        #[arg(long, value_name = "ADDRESS")]
        from: Option<Vec<String>>,
        /// Make a honey key: bait to leave where a thief would look. It signs nothing; any use of it is an alarm
        #[arg(long, requires = "bot")]
        honey: bool,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// A bot's keys, or without --bot your personal ones
    List {
        /// Name or id of the bot
        #[arg(long)]
        bot: Option<String>,
    },
    /// End a key at once
    Revoke {
        /// Its id or prefix
        key: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

pub async fn run(remote: &Remote, command: AccessCommand) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    match command {
        AccessCommand::Create { bot: Some(bot), name, scopes, honey, days, from, password } => {
            let bot = bot::find(&client, &bot).await?;
            let wish = json!({ "name": name, "scopes": scopes, "honey": honey, "expires_in_days": days,
                "allowed_ip_addresses": from });
            let pair = new_pair(&client, remote, &password, &bot, wish).await?;
            remote.output.one(&pair, &PAIR);
            say("This is the only time the secret is shown.\n");
        }
        AccessCommand::Create { bot: None, name, scopes, days, from, password, .. } => {
            let scopes = scopes.unwrap_or_else(|| vec!["read".to_owned()]);
            let body = json!({ "name": name, "scopes": scopes, "expires_in_days": days,
                "allowed_ip_addresses": from });
            let path = "/api/v1/access-keys";
            let key = client.confirmed(remote, &password, Method::POST, path, body).await?;
            remote.output.one(&key, &PERSONAL);
            say("This is the only time the token is shown. Programs read it from KEYGATE_TOKEN_FILE.\n");
        }
        AccessCommand::List { bot } => {
            let path = match bot {
                Some(bot) => keys_of(&bot::find(&client, &bot).await?),
                None => "/api/v1/access-keys".to_owned(),
            };
            remote.output.list(&client.list(&path).await?, &LIST);
        }
        AccessCommand::Revoke { key, yes } => {
            let id = find(&client, &key).await?;
            remote.agree(&format!("Revoke {key}? What uses it stops at once."), yes)?;
            client.delete(&format!("/api/v1/access-keys/{id}")).await?;
            say(&format!("{key} opens nothing any more.\n"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A virtual pair, with its secret.
pub async fn new_pair(
    client: &Client,
    remote: &Remote,
    password: &PasswordSource,
    bot: &Value,
    wish: Value,
) -> Result<Value, Fatal> {
    client.confirmed(remote, password, Method::POST, &keys_of(bot), wish).await
}

fn keys_of(bot: &Value) -> String {
    format!("/api/v1/bots/{}/access-keys", bot["id"].as_str().unwrap_or_default())
}

/// The id of a key that is named by its id or its prefix.
async fn find(client: &Client, wanted: &str) -> Result<String, Fatal> {
    if Uuid::parse_str(wanted).is_ok() {
        return Ok(wanted.to_owned());
    }
    let mut lists = vec!["/api/v1/access-keys".to_owned()];
    lists.extend(client.list("/api/v1/bots").await?.iter().map(keys_of));
    for list in lists {
        let keys = client.list(&list).await?;
        if let Some(id) = keys.iter().find(|key| key["prefix"] == *wanted).and_then(|key| key["id"].as_str())
        {
            return Ok(id.to_owned());
        }
    }
    Err(Fatal {
        what: format!("no access key '{wanted}'"),
        next: "`keygate access list --bot NAME` shows ids and prefixes".to_owned(),
        exit: exit::NOT_FOUND,
    })
}

const LIST: [Column; 9] = [
    ("prefix", "/prefix"),
    ("name", "/name"),
    ("scopes", "/scopes"),
    ("from", "/allowed_ip_addresses"),
    ("last used", "/last_used_at"),
    ("expires", "/expires_at"),
    ("revoked", "/revoked_at"),
    ("honey", "/honey"),
    ("id", "/id"),
];
const PAIR: [Column; 7] = [
    ("scopes", "/scopes"),
    ("from", "/allowed_ip_addresses"),
    ("expires", "/expires_at"),
    ("key", "/virtual_pair/api_key"),
    ("secret", "/virtual_pair/secret"),
    ("passphrase", "/virtual_pair/passphrase"),
    ("id", "/id"),
];
const PERSONAL: [Column; 4] =
    [("token", "/token"), ("scopes", "/scopes"), ("expires", "/expires_at"), ("id", "/id")];
