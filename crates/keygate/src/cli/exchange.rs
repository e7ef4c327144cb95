//! `keygate exchange`: what is known about exchanges, and signing without a server or a database.

use std::{
    io::{BufRead, stdin},
    process::ExitCode,
};

use clap::Subcommand;
use exchange::{Definition, Exchanges, conformance};
use serde_json::{Value, json};

use super::{
    exit, out,
    output::{Column, Output},
};
use crate::error::Fatal;

#[derive(Subcommand)]
pub enum ExchangeCommand {
    /// All exchanges with a definition
    List,
    /// One exchange: environments, fields, key types
    Show { id: String },
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
    }
    Ok(ExitCode::SUCCESS)
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
