//! `keygate limits`: how much the programs of a connection may do.

mod replay;

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    client::{Client, encoded},
    connection,
    output::{Column, Output, cell, out},
    remote::{PasswordSource, Remote, usage},
    say,
};
use crate::{error::Fatal, limits::TEMPLATES};

#[derive(Subcommand)]
pub enum LimitsCommand {
    /// The limits of a connection, in words and one by one
    Show { connection: String },
    /// Change limits: what lets less through is in force at once, the rest waits
    Set {
        connection: String,
        /// Such as max_trade_amount_usd=500, allowed_symbols=BTC/USDT,ETH/USDT, can_trade=true, max_leverage=none
        #[arg(required = true, value_name = "LIMIT=VALUE")]
        limits: Vec<String>,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Ready-made limits: all of them, or one put on a connection
    Template {
        connection: Option<String>,
        /// read-only, trade-limited or trade-full
        #[arg(requires = "connection")]
        name: Option<String>,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// What would be decided about an order or a withdrawal; nothing is placed
    Test {
        connection: String,
        /// BUY, SELL or WITHDRAW
        #[arg(value_enum, ignore_case = true)]
        act: Act,
        quantity: String,
        /// Such as BTC/USDT; for a withdrawal the asset
        symbol: String,
        /// A limit price; at the market without it
        #[arg(long)]
        price: Option<String>,
        /// With borrowed money
        #[arg(long)]
        leverage: Option<String>,
        /// QUANTITY is one of the quote asset, such as USDT
        #[arg(long)]
        in_quote: bool,
    },
    /// What changed limits would have made of the last 30 days; nothing is changed
    Replay {
        connection: String,
        /// As for `set`; none are the limits as they are
        #[arg(value_name = "LIMIT=VALUE")]
        limits: Vec<String>,
        /// read-only, trade-limited or trade-full, to start from
        #[arg(long, value_name = "NAME")]
        template: Option<String>,
    },
    /// Take back raised limits that wait
    Cancel {
        connection: String,
        /// One limit; all without it
        limit: Option<String>,
    },
    /// How long raised limits wait: shown, or set in hours
    Delay {
        hours: Option<u32>,
        /// Take back a shorter wait that waits itself
        #[arg(long, conflicts_with = "hours")]
        cancel: bool,
        #[command(flatten)]
        password: PasswordSource,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Act {
    Buy,
    Sell,
    Withdraw,
}

pub async fn run(remote: &Remote, command: LimitsCommand) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    match command {
        LimitsCommand::Show { connection } => {
            let state = client.get(&path(&client, &connection).await?).await?;
            show(remote, &connection, &state);
        }
        LimitsCommand::Set { connection, limits, password } => {
            let body = json!({ "limits": parse(&limits)? });
            let path = path(&client, &connection).await?;
            let state = client.confirmed(remote, &password, Method::PATCH, &path, body).await?;
            show(remote, &connection, &state);
        }
        LimitsCommand::Template { connection: None, .. } => {
            let all: Vec<Value> =
                TEMPLATES.iter().map(|own| json!({"name": own.name, "for": own.text})).collect();
            remote.output.list(&all, &[("name", "/name"), ("for", "/for")]);
        }
        LimitsCommand::Template { connection: Some(connection), name, password } => {
            let name =
                name.ok_or_else(|| usage("which template?", "`keygate limits template` lists them"))?;
            let path = path(&client, &connection).await?;
            let body = json!({ "template": name });
            let state = client.confirmed(remote, &password, Method::PATCH, &path, body).await?;
            show(remote, &connection, &state);
        }
        LimitsCommand::Test { connection, act, quantity, symbol, price, leverage, in_quote } => {
            let body = match act {
                Act::Withdraw => json!({ "withdrawal": {"asset": symbol, "amount": quantity} }),
                Act::Buy | Act::Sell => {
                    let member = if in_quote { "quote_amount" } else { "quantity" };
                    json!({ "order": {"symbol": symbol, member: quantity, "price": price,
                    "side": if matches!(act, Act::Buy) { "buy" } else { "sell" }, "leverage": leverage} })
                }
            };
            let path = format!("{}/test", path(&client, &connection).await?);
            remote.output.one(&client.post(&path, Some(body)).await?, &TRIED);
        }
        LimitsCommand::Replay { connection, limits, template } => {
            let body = json!({ "limits": parse(&limits)?, "template": template });
            let path = format!("{}/replay", path(&client, &connection).await?);
            replay::show(remote, &client.post(&path, Some(body)).await?);
        }
        LimitsCommand::Cancel { connection, limit } => {
            let query = limit.map_or_else(String::new, |limit| format!("?member={}", encoded(&limit)));
            let path = format!("{}/pending{query}", path(&client, &connection).await?);
            show(remote, &connection, &client.delete(&path).await?);
        }
        LimitsCommand::Delay { cancel: true, .. } => {
            remote.output.one(&client.delete(WAIT).await?, &DELAY);
        }
        LimitsCommand::Delay { hours: None, .. } => {
            remote.output.one(&client.get(WAIT).await?, &DELAY);
        }
        LimitsCommand::Delay { hours: Some(hours), password, .. } => {
            let body = json!({ "seconds": u64::from(hours) * 3600 });
            let answer = client.confirmed(remote, &password, Method::PUT, WAIT, body).await?;
            remote.output.one(&answer, &DELAY);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn path(client: &Client, connection: &str) -> Result<String, Fatal> {
    let connection = connection::find(client, connection).await?;
    Ok(format!("/api/v1/connections/{}/limits", connection["id"].as_str().unwrap_or_default()))
}

/// In words; what waits is told with what takes it back.
fn show(remote: &Remote, connection: &str, state: &Value) {
    if remote.output != Output::Table {
        return remote.output.one(state, &[]);
    }
    for sentence in state["sentences"].as_array().into_iter().flatten() {
        out(&format!("{}\n", cell(Some(sentence))));
    }
    for own in state["usage"].as_array().into_iter().flatten() {
        let of = own["limit"].as_str().map_or_else(String::new, |limit| format!(" of {limit}"));
        out(&format!("Used of {}: {}{of}\n", cell(own.get("window")), cell(own.get("used"))));
    }
    for pending in state["pending"].as_array().into_iter().flatten() {
        let part = |name: &str| cell(pending.get(name));
        let (at, member, value) = (part("effective_at"), part("member"), part("value"));
        let connection = connection::quoted(connection);
        say(&format!(
            "From {at} on: {member} = {value}. `keygate limits cancel {connection} {member}` takes it back.\n"
        ));
    }
}

/// `name=value` as the API wants it. What the value may be is the server's to say.
fn parse(limits: &[String]) -> Result<Map<String, Value>, Fatal> {
    let mut members = Map::new();
    for text in limits {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            usage(format!("'{text}' is not LIMIT=VALUE"), "for example max_trade_amount_usd=500, or =none")
        })?;
        members.insert(name.to_owned(), value_of(name, value));
    }
    Ok(members)
}

fn value_of(name: &str, value: &str) -> Value {
    let is_list = name.ends_with("_symbols") || name.ends_with("_addresses");
    match value {
        "none" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        "" if is_list => json!([]),
        list if is_list => list.split(',').map(str::trim).collect(),
        count if name.starts_with("max_requests") => {
            count.parse::<u32>().map_or_else(|_| count.into(), Value::from)
        }
        amount => amount.into(),
    }
}

const WAIT: &str = "/api/v1/me/limits-delay";
const TRIED: [Column; 4] =
    [("decision", "/decision"), ("rule", "/rule"), ("reason", "/reason"), ("worth at most", "/usd")];
const DELAY: [Column; 3] = [("seconds", "/seconds"), ("next seconds", "/next_seconds"), ("from", "/next_at")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_the_kind_of_limit() {
        let limits = [
            "can_trade=true",
            "max_leverage=none",
            "allowed_symbols=BTC/USDT, ETH/USDT",
            "max_requests_per_minute=60",
            "max_trade_amount_usd=500.5",
            "allowed_ip_addresses=",
        ];
        let parsed = parse(&limits.map(str::to_owned)).unwrap();
        let wanted = json!({"can_trade": true, "max_leverage": null, "allowed_symbols": ["BTC/USDT", "ETH/USDT"],
            "max_requests_per_minute": 60, "max_trade_amount_usd": "500.5", "allowed_ip_addresses": []});
        assert_eq!(Value::Object(parsed), wanted);
        assert!(parse(&["can_trade".to_owned()]).is_err());
    }
}
