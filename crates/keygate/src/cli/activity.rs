//! `keygate activity`: what happened with which key.

use std::{collections::HashSet, process::ExitCode, time::Duration};

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use super::{
    bot,
    client::{Client, encoded, strange},
    connection,
    output::{Column, Output, cell, out, out_bytes},
    remote::Remote,
};
use crate::error::Fatal;

#[derive(Subcommand)]
pub enum ActivityCommand {
    /// The newest entries, the newest last
    Tail {
        #[command(flatten)]
        filter: FilterArgs,
        /// How many, 1 to 200
        #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=200))]
        lines: u8,
        /// Go on printing what happens
        #[arg(long, short)]
        follow: bool,
    },
    /// Everything the filters let through, as JSON lines or CSV
    Export {
        #[command(flatten)]
        filter: FilterArgs,
        #[arg(long, default_value = "jsonl", value_parser = ["jsonl", "csv"])]
        format: String,
    },
}

/// Filters; every one that is given has to fit.
#[derive(Args)]
pub struct FilterArgs {
    /// Name or id of a connection
    #[arg(long)]
    connection: Option<String>,
    /// Name or id of a bot
    #[arg(long)]
    bot: Option<String>,
    /// The `api_key_id` of entries: finds also what was done with a connection that is gone
    #[arg(long, value_name = "ID")]
    api_key: Option<Uuid>,
    #[arg(long)]
    exchange: Option<String>,
    /// allow, deny, failed, unknown or management
    #[arg(long)]
    decision: Option<String>,
    /// read, trade, withdraw, …
    #[arg(long)]
    class: Option<String>,
    /// The id an error or an answer named
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Id or prefix of an access key; also of one that is gone
    #[arg(long, value_name = "KEY")]
    access_key: Option<String>,
    /// The rule that decided a denial
    #[arg(long)]
    rule: Option<String>,
    /// An address, or a network such as 10.0.0.0/24
    #[arg(long)]
    address: Option<String>,
    /// create, verify, use, deny, pause, …
    #[arg(long)]
    operation: Option<String>,
    /// Only what the score of its risk makes suspicious
    #[arg(long)]
    suspicious: bool,
    /// One line for a call whose outcome is known, without its intent
    #[arg(long)]
    together: bool,
    /// From this time on, such as 2026-01-31T08:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

pub async fn run(remote: &Remote, command: ActivityCommand) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    match command {
        ActivityCommand::Tail { filter, lines, follow } => {
            let tailing = tail(&client, remote.output, &filter, lines, follow);
            if follow { until_interrupted(tailing).await? } else { tailing.await? }
        }
        ActivityCommand::Export { filter, format } => {
            let query = filter.query(&client).await?;
            let path = format!("/api/v1/activity/export?{query}format={format}");
            let mut answer = client.call(Method::GET, &path, None).await?;
            while let Some(chunk) = answer.chunk().await.map_err(|_| cut_off())? {
                out_bytes(&chunk);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Ctrl-C is how following ends, not a failure; it counts from before the first line on.
async fn until_interrupted(work: impl Future<Output = Result<(), Fatal>>) -> Result<(), Fatal> {
    let failed = |error| Fatal::new(format!("cannot wait for signals: {error}"), "");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        ended = work => ended,
        _ = interrupt.recv() => Ok(()),
    }
}

async fn tail(
    client: &Client,
    output: Output,
    filter: &FilterArgs,
    lines: u8,
    follow: bool,
) -> Result<(), Fatal> {
    let query = filter.query(client).await?;
    // whoever follows must know older entries from new ones
    let known = if follow { MOST } else { lines };
    let (mut entries, _) = page(client, &format!("/api/v1/activity?{query}limit={known}")).await?;
    entries.reverse();
    output.list(&entries[entries.len().saturating_sub(usize::from(lines))..], &COLUMNS);
    if follow { go_on(client, output, &query, entries).await } else { Ok(()) }
}

impl FilterArgs {
    /// As the start of a query string, with `&` at the end.
    async fn query(&self, client: &Client) -> Result<String, Fatal> {
        let mut pairs = Vec::new();
        if let Some(name) = &self.connection {
            pairs.push(("connection", id(&connection::find(client, name).await?)));
        }
        // what is gone has records still, by its id
        match self.bot.as_deref().map(|bot| (bot, Uuid::parse_str(bot))) {
            Some((_, Ok(id))) => pairs.push(("bot", id.to_string())),
            Some((name, Err(_))) => pairs.push(("bot", id(&bot::find(client, name).await?))),
            None => {}
        }
        pairs.extend(self.api_key.map(|id| ("api_key", id.to_string())));
        let plain = [
            ("exchange", &self.exchange),
            ("decision", &self.decision),
            ("class", &self.class),
            ("request_id", &self.request_id),
            ("access_key", &self.access_key),
            ("rule", &self.rule),
            ("address", &self.address),
            ("operation", &self.operation),
            ("since", &self.since),
            ("until", &self.until),
        ];
        pairs.extend(plain.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        let flags = [("suspicious", self.suspicious), ("together", self.together)];
        pairs
            .extend(flags.into_iter().filter(|(_, given)| *given).map(|(name, _)| (name, "true".to_owned())));
        Ok(pairs.iter().map(|(name, value)| format!("{name}={}&", encoded(value))).collect())
    }
}

/// Asks again every second, and prints what was not there before.
async fn go_on(client: &Client, output: Output, query: &str, known: Vec<Value>) -> Result<(), Fatal> {
    let mut seen: HashSet<String> = known.iter().map(id).collect();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let entries = back_to(client, query, &seen).await?;
        for entry in entries.iter().filter(|entry| !seen.contains(&id(entry))) {
            match output {
                Output::Table => {
                    let cells = COLUMNS.iter().map(|(_, pointer)| cell(entry.pointer(pointer)));
                    out(&format!("{}\n", cells.collect::<Vec<_>>().join("  ")));
                }
                _ => out(&format!("{entry}\n")),
            }
        }
        seen = entries.iter().map(id).collect();
    }
}

/// The newest entries, oldest first: page by page until there is one that is known, however many came meanwhile.
async fn back_to(client: &Client, query: &str, known: &HashSet<String>) -> Result<Vec<Value>, Fatal> {
    let first = format!("/api/v1/activity?{query}limit={MOST}");
    let (mut entries, mut path) = (Vec::new(), first.clone());
    loop {
        let (mut items, next) = page(client, &path).await?;
        let is_all = items.iter().any(|entry| known.contains(&id(entry)));
        entries.append(&mut items);
        match next {
            Some(cursor) if !is_all => path = format!("{first}&cursor={}", encoded(&cursor)),
            _ => break,
        }
    }
    entries.reverse();
    Ok(entries)
}

/// One page, newest first, and where the next begins.
async fn page(client: &Client, path: &str) -> Result<(Vec<Value>, Option<String>), Fatal> {
    let page = client.get(path).await?;
    let items = page["items"].as_array().ok_or_else(|| strange(&client.base))?;
    Ok((items.clone(), page["next_cursor"].as_str().map(str::to_owned)))
}

fn id(thing: &Value) -> String {
    thing["id"].as_str().unwrap_or_default().to_owned()
}

fn cut_off() -> Fatal {
    Fatal::new("the server broke off in the middle of the export", "try again, with --since for a part of it")
}

/// Entries of one page.
const MOST: u8 = 200;

const COLUMNS: [Column; 10] = [
    ("time", "/at"),
    ("operation", "/operation"),
    ("phase", "/phase"),
    ("connection", "/connection"),
    ("bot", "/bot"),
    ("method", "/method"),
    ("endpoint", "/endpoint"),
    ("decision", "/decision"),
    ("rule", "/rule"),
    ("status", "/status_code"),
];
