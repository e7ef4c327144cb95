//! `keygate exchange`: what is known about exchanges, and signing without a server or a database.

use std::{
    io::{BufRead, stdin},
    process::ExitCode,
};

use clap::Subcommand;
use exchange::{Exchanges, conformance};

use super::out;
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

pub fn run(command: ExchangeCommand) -> Result<ExitCode, Fatal> {
    let exchanges = Exchanges::builtin();
    match command {
        ExchangeCommand::List => {
            exchanges
                .iter()
                .for_each(|definition| out(&format!("{}\t{}\n", definition.id(), definition.name())));
        }
        ExchangeCommand::Show { id } => show(&exchanges, &id)?,
        ExchangeCommand::Sign => sign(&exchanges)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn show(exchanges: &Exchanges, id: &str) -> Result<(), Fatal> {
    let definition = exchanges.get(id).ok_or_else(|| Fatal {
        what: format!("no exchange '{id}'"),
        next: "`keygate exchange list` shows all".to_owned(),
        exit: 5,
    })?;
    let environments: Vec<&str> = definition.environments().collect();
    out(&format!(
        "id\t{}\nname\t{}\nenvironments\t{}\ndocumentation\t{}\n",
        definition.id(),
        definition.name(),
        environments.join(", "),
        definition.docs()
    ));
    Ok(())
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
