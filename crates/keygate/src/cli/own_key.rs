//! Keys made in the vault for exchanges that take public keys: `connection add --generate` and what follows.

use exchange::PRODUCTION;
use serde_json::{Value, json};

use super::{
    client::Client,
    out,
    output::{Column, Output, printable},
    remote::Remote,
    say,
};
use crate::error::Fatal;

/// Makes a key and prints its public half. Gives the made key.
pub async fn generate(
    client: &Client,
    remote: &Remote,
    exchange: &str,
    environment: &str,
    kind: &str,
) -> Result<Value, Fatal> {
    let body = json!({"exchange": exchange, "environment": environment, "kind": kind});
    let made = client.post("/api/v1/connections/own-keys", Some(body)).await?;
    match remote.output {
        Output::Table => out(&lines(text(&made, "public_key_pem"))),
        other => other.one(&made, &COLUMNS),
    }
    say(&guidance(&made));
    Ok(made)
}

pub async fn list(client: &Client, remote: &Remote) -> Result<(), Fatal> {
    remote.output.list(&client.list("/api/v1/connections/own-keys").await?, &COLUMNS);
    Ok(())
}

pub async fn delete(client: &Client, id: uuid::Uuid) -> Result<(), Fatal> {
    client.delete(&format!("/api/v1/connections/own-keys/{id}")).await?;
    say("Destroyed. Delete the key at the exchange too, if it is there.\n");
    Ok(())
}

fn guidance(made: &Value) -> String {
    let environment = match text(made, "environment") {
        PRODUCTION => String::new(),
        other => format!(" --environment {}", printable(other)),
    };
    format!(
        "Paste this public key at the exchange. {}\nNext, until {}: keygate connection add {}{environment} --own-key {} --api-key KEY\n",
        printable(text(made, "paste")),
        printable(text(made, "expires_at")),
        printable(text(made, "exchange")),
        printable(text(made, "id")),
    )
}

fn text<'v>(made: &'v Value, name: &str) -> &'v str {
    made[name].as_str().unwrap_or_default()
}

/// Several lines, none of which can steer the terminal.
fn lines(text: &str) -> String {
    text.lines().map(|line| printable(line) + "\n").collect()
}

const COLUMNS: [Column; 5] = [
    ("id", "/id"),
    ("exchange", "/exchange"),
    ("environment", "/environment"),
    ("kind", "/kind"),
    ("waits until", "/expires_at"),
];
