//! `keygate exchange`: what is known about exchanges, and signing without a server or a database.

use std::{
    fs,
    io::{BufRead, stdin},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use exchange::{Checked, Definition, Exchanges, Folder, Problem, conformance};
use serde_json::{Value, json};

use super::{
    exit, out,
    output::{Column, Output, say},
};
use crate::error::Fatal;

#[derive(Subcommand)]
pub enum ExchangeCommand {
    /// All exchanges with a definition
    List,
    /// One exchange: environments, fields, key types
    Show { id: String },
    /// Check a definition: DIR holds exchange.toml, vectors.json and perhaps endpoints.txt and orders.json
    Check {
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Sign requests from standard input, one JSON object per line, and answer each with one line
    Sign,
}

pub fn run(output: Output, command: ExchangeCommand) -> Result<ExitCode, Fatal> {
    let exchanges = Exchanges::builtin();
    match command {
        ExchangeCommand::List => {
            let items: Vec<Value> = exchanges.iter().map(|definition| describe(definition)).collect();
            output.list(&items, &COLUMNS[..3]);
        }
        ExchangeCommand::Show { id } => output.one(&describe(find(&exchanges, &id)?), &COLUMNS),
        ExchangeCommand::Sign => sign(&exchanges)?,
        ExchangeCommand::Check { folder } => return check(output, &folder),
    }
    Ok(ExitCode::SUCCESS)
}

/// What fits and what does not; a failure as soon as one thing does not.
fn check(output: Output, folder: &Path) -> Result<ExitCode, Fatal> {
    let definition = read(&folder.join("exchange.toml"))?;
    let vectors = read(&folder.join("vectors.json"))?;
    let endpoints = read(&folder.join("endpoints.txt")).unwrap_or_default();
    let orders = read(&folder.join("orders.json")).unwrap_or_default();
    let files = Folder { definition: &definition, vectors: &vectors, endpoints: &endpoints, orders: &orders };
    let checked = exchange::check(&files).map_err(|error| {
        let place = if error.line == 0 { String::new() } else { format!(":{}", error.line) };
        let file = folder.join("exchange.toml");
        Fatal::new(
            format!("{}{place}: {}", file.display(), error.reason),
            "docs/adding-an-exchange.md explains the file",
        )
    })?;
    for Problem { file, place, reason } in &checked.problems {
        say(&format!("{}: {place}: {reason}", folder.join(file).display()));
    }
    output.one(&summary(&checked), &CHECKED);
    Ok(ExitCode::from(if checked.problems.is_empty() { 0 } else { exit::FAILURE }))
}

fn summary(checked: &Checked) -> Value {
    let problems = checked.problems.iter();
    json!({
        "id": checked.id,
        "signatures": checked.signatures,
        "verified": checked.verified,
        "endpoints": checked.endpoints,
        "orders": checked.orders,
        "problems": problems.map(|Problem { file, place, reason }| json!({"file": file, "place": place, "reason": reason})).collect::<Vec<_>>(),
        "count": checked.problems.len(),
    })
}

fn read(file: &Path) -> Result<String, Fatal> {
    fs::read_to_string(file).map_err(|error| {
        Fatal::new(format!("{}: {error}", file.display()), "docs/adding-an-exchange.md lists the files")
    })
}

fn find<'e>(exchanges: &'e Exchanges, id: &str) -> Result<&'e Definition, Fatal> {
    exchanges.get(id).map(AsRef::as_ref).ok_or_else(|| Fatal {
        what: format!("no exchange '{id}'"),
        next: "`keygate exchange list` shows all".to_owned(),
        exit: exit::NOT_FOUND,
    })
}

fn describe(definition: &Definition) -> Value {
    json!({
        "id": definition.id(),
        "name": definition.name(),
        "environments": definition.environments().collect::<Vec<_>>(),
        "fields": definition.fields(),
        "key_types": definition.key_kinds().into_iter().collect::<Vec<_>>(),
        "tells_permissions": definition.capabilities().permissions,
        "docs": definition.docs(),
    })
}

fn sign(exchanges: &Exchanges) -> Result<(), Fatal> {
    for line in stdin().lock().lines() {
        let line = line.map_err(|error| {
            Fatal::new(format!("standard input: {error}"), "send UTF-8, one object per line")
        })?;
        if !line.trim().is_empty() {
            out(&format!("{}\n", conformance(exchanges, &line)));
        }
    }
    Ok(())
}

const COLUMNS: [Column; 7] = [
    ("id", "/id"),
    ("name", "/name"),
    ("environments", "/environments"),
    ("fields", "/fields"),
    ("key types", "/key_types"),
    ("tells permissions", "/tells_permissions"),
    ("documentation", "/docs"),
];

const CHECKED: [Column; 6] = [
    ("id", "/id"),
    ("signatures made", "/signatures"),
    ("requests verified", "/verified"),
    ("endpoints classified", "/endpoints"),
    ("order cases tried", "/orders"),
    ("problems", "/count"),
];
