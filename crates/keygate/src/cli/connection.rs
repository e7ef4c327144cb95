//! `keygate connection`: accounts at exchanges and their keys.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    client::Client,
    exit,
    output::{Column, Output, cell},
    own_key,
    remote::{PasswordSource, Remote, usage},
    say,
};
use crate::error::Fatal;

#[derive(Subcommand)]
pub enum ConnectionCommand {
    /// Hand over an exchange key. It is checked at the exchange first; nothing is stored if that fails
    Add(Box<AddArgs>),
    /// All connections
    List,
    /// Keys made with `add --generate` that wait for their API key
    OwnKeys,
    /// Destroy a key made with `add --generate` that waits
    DeleteOwnKey { id: Uuid },
    /// One connection: what its key may do and what was found
    Show { connection: String },
    /// Ask the exchange again whether the key works and what it may do
    Check { connection: String },
    /// Stop signing with it, at once
    Pause { connection: String },
    /// Sign with it again
    Resume { connection: String },
    /// Undo a deletion within its 7 days; needs your password. It comes back paused
    Restore {
        connection: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Disable it at once and destroy it after 7 days, with its bots and their access keys
    Delete {
        connection: String,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
        /// The connection's name, instead of typing it when asked
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
}

#[derive(Args)]
pub struct AddArgs {
    /// The exchange: `keygate exchange list` shows all
    exchange: String,
    /// `production`, or one of the exchange's test environments
    #[arg(long, default_value = "production")]
    environment: String,
    /// What to call it
    #[arg(long, default_value = "Primary")]
    name: String,
    /// A note of your own
    #[arg(long)]
    label: Option<String>,
    /// The public half of the key, or what the exchange gave for a key made here
    #[arg(long)]
    api_key: Option<String>,
    /// Make the key in the vault, for exchanges that take public keys, and print the public half: `ed25519` or `rsa`
    #[arg(long, value_name = "KIND", conflicts_with_all = ["api_key", "own_key", "secret_stdin", "secret_file", "passphrase_file"])]
    generate: Option<String>,
    /// The key made with --generate that the API key belongs to
    #[arg(long, value_name = "ID", conflicts_with_all = ["secret_stdin", "secret_file"])]
    own_key: Option<Uuid>,
    /// Read the secret (or the private key as PEM) from standard input
    #[arg(long, conflicts_with = "secret_file")]
    secret_stdin: bool,
    /// Read the secret (or the private key as PEM) from this file
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Read the passphrase from this file, for exchanges that have one
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Let bots trade
    #[arg(long)]
    trade: bool,
    /// Let bots move funds inside the exchange
    #[arg(long)]
    transfer: bool,
    /// Let bots withdraw
    #[arg(long)]
    withdraw: bool,
    /// Store the key although the exchange says that it may withdraw
    #[arg(long)]
    accept_withdraw: bool,
}

pub async fn run(remote: &Remote, command: ConnectionCommand) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    match command {
        ConnectionCommand::Add(args) => add(&client, remote, *args).await?,
        ConnectionCommand::OwnKeys => own_key::list(&client, remote).await?,
        ConnectionCommand::DeleteOwnKey { id } => own_key::delete(&client, id).await?,
        ConnectionCommand::List => {
            remote.output.list(&client.list("/api/v1/connections").await?, &LIST);
        }
        ConnectionCommand::Show { connection } => show(remote, &find(&client, &connection).await?),
        ConnectionCommand::Check { connection } => act(&client, remote, &connection, "check").await?,
        ConnectionCommand::Pause { connection } => act(&client, remote, &connection, "pause").await?,
        ConnectionCommand::Resume { connection } => act(&client, remote, &connection, "resume").await?,
        ConnectionCommand::Restore { connection, password } => {
            let id = id(&find_deleted(&client, &connection).await?);
            let path = format!("/api/v1/connections/{id}/restore");
            show(remote, &client.confirmed(remote, &password, Method::POST, &path, json!({})).await?);
            say("It is paused. `keygate connection resume` lets it sign again.\n");
        }
        ConnectionCommand::Delete { connection, dry_run, confirm } => {
            delete(&client, remote, &connection, dry_run, confirm).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The connection with this id, name, or `exchange/name`, or `exchange/environment/name`.
pub async fn find(client: &Client, wanted: &str) -> Result<Value, Fatal> {
    let all = client.list("/api/v1/connections").await?;
    let (deleted, live): (Vec<Value>, Vec<Value>) =
        all.into_iter().partition(|connection| !connection["destroy_after"].is_null());
    let fits = |connection: &Value| names(connection).iter().any(|name| name == wanted);
    match live.iter().any(fits) {
        true => pick(live, wanted),
        false => pick(deleted, wanted),
    }
}

/// A deleted one, also where another has its name by now.
async fn find_deleted(client: &Client, wanted: &str) -> Result<Value, Fatal> {
    let all = client.list("/api/v1/connections").await?.into_iter();
    pick(all.filter(|connection| !connection["destroy_after"].is_null()).collect(), wanted)
}

fn pick(mut found: Vec<Value>, wanted: &str) -> Result<Value, Fatal> {
    found.retain(|connection| names(connection).iter().any(|name| name == wanted));
    match (found.pop(), found.is_empty()) {
        (Some(connection), true) => Ok(connection),
        (Some(other), false) => Err(usage(
            format!("more than one connection is called '{wanted}'"),
            format!("write it as {}, or its id", names(&other)[3]),
        )),
        (None, _) => Err(Fatal {
            what: format!("no connection '{wanted}'"),
            next: "`keygate connection list` shows all".to_owned(),
            exit: exit::NOT_FOUND,
        }),
    }
}

fn names(connection: &Value) -> [String; 4] {
    let text = |name: &str| connection[name].as_str().unwrap_or_default();
    let (exchange, name) = (text("exchange"), text("name"));
    [
        text("id").to_owned(),
        name.to_owned(),
        format!("{exchange}/{name}"),
        format!("{exchange}/{}/{name}", text("environment")),
    ]
}

async fn add(client: &Client, remote: &Remote, args: AddArgs) -> Result<(), Fatal> {
    let Some(kind) = &args.generate else {
        let api_key = remote.text(args.api_key.clone(), "API key (the public half)", "--api-key KEY")?;
        return store(client, remote, args, api_key).await;
    };
    let made = own_key::generate(client, remote, &args.exchange, &args.environment, kind).await?;
    // Whoever reads the output as data has two calls to make; a person can do both in one go.
    if remote.output != Output::Table || !remote.can_ask() {
        return Ok(());
    }
    let api_key = remote.text(None, "API key the exchange gave for it (empty: later)", "--own-key ID")?;
    match api_key.is_empty() {
        true => Ok(()),
        false => store(client, remote, AddArgs { own_key: id(&made).parse().ok(), ..args }, api_key).await,
    }
}

/// Has the key checked and stored, with a secret of its owner's or one made here.
async fn store(client: &Client, remote: &Remote, args: AddArgs, api_key: String) -> Result<(), Fatal> {
    let mut body = json!({
        "exchange": args.exchange, "environment": args.environment, "name": args.name, "label": args.label,
        "api_key": api_key, "accept_withdraw": args.accept_withdraw,
        "permissions": { "trade": args.trade, "transfer": args.transfer, "withdraw": args.withdraw },
    });
    match args.own_key {
        Some(id) => body["own_key"] = id.to_string().into(),
        None => {
            let flags = "--secret-stdin or --secret-file FILE (a PEM key has several lines: only these)";
            let secret = remote.secret("Secret", args.secret_stdin, args.secret_file.as_deref(), flags)?;
            body["secret"] = secret.expose().into();
        }
    }
    if let Some(path) = &args.passphrase_file {
        body["passphrase"] = remote.secret("Passphrase", false, Some(path), "")?.expose().into();
    }
    let made = client.post("/api/v1/connections", Some(body)).await?;
    show(remote, &made);
    say(&format!("Next: keygate bot add NAME --connection {}\n", quoted(&names(&made)[2])));
    Ok(())
}

async fn act(client: &Client, remote: &Remote, wanted: &str, verb: &str) -> Result<(), Fatal> {
    let id = id(&find(client, wanted).await?);
    show(remote, &client.post(&format!("/api/v1/connections/{id}/{verb}"), None).await?);
    Ok(())
}

async fn delete(
    client: &Client,
    remote: &Remote,
    wanted: &str,
    dry_run: bool,
    confirm: Option<String>,
) -> Result<(), Fatal> {
    let connection = find(client, wanted).await?;
    let path = format!("/api/v1/connections/{}", id(&connection));
    let preview = client.delete(&format!("{path}?dry_run=true")).await?;
    if dry_run {
        remote.output.one(&preview, &DELETION);
        return Ok(());
    }
    for bot in preview["bots"].as_array().into_iter().flatten() {
        let (name, used) = (cell(bot.get("name")), cell(bot.get("last_used_at")));
        say(&format!("goes with it: bot {name}, last call {used}\n"));
    }
    remote.agree_by_name(connection["name"].as_str().unwrap_or_default(), confirm)?;
    remote.output.one(&client.delete(&path).await?, &DELETION);
    Ok(())
}

fn show(remote: &Remote, connection: &Value) {
    remote.output.one(connection, &SHOW);
    if remote.output == Output::Table {
        for finding in connection["findings"].as_array().into_iter().flatten() {
            let severity = cell(finding.get("severity")).to_uppercase();
            let (text, fix) = (cell(finding.get("text")), cell(finding.get("fix")));
            super::out(&format!("{severity}: {text} {fix}\n"));
        }
    }
}

fn id(thing: &Value) -> String {
    thing["id"].as_str().unwrap_or_default().to_owned()
}

/// As a word of a shell command.
pub(super) fn quoted(text: &str) -> String {
    match text.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c)) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

const LIST: [Column; 7] = [
    ("name", "/name"),
    ("exchange", "/exchange"),
    ("environment", "/environment"),
    ("status", "/status"),
    ("key", "/api_key_masked"),
    ("bots", "/bots"),
    ("last used", "/last_used_at"),
];
const SHOW: [Column; 15] = [
    ("id", "/id"),
    ("name", "/name"),
    ("label", "/label"),
    ("exchange", "/exchange"),
    ("environment", "/environment"),
    ("status", "/status"),
    ("key", "/api_key_masked"),
    ("bots may trade", "/permissions/trade"),
    ("bots may withdraw", "/permissions/withdraw"),
    ("key may trade", "/exchange_permissions/trade"),
    ("key may withdraw", "/exchange_permissions/withdraw"),
    ("key bound to addresses", "/exchange_permissions/ip_restricted"),
    ("last checked", "/last_verified_at"),
    ("last used", "/last_used_at"),
    ("destroyed after", "/destroy_after"),
];
const DELETION: [Column; 4] =
    [("name", "/name"), ("deleted", "/deleted"), ("undo until", "/destroy_after"), ("id", "/connection_id")];
