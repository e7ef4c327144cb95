//! Commands that need neither a server nor a database.

use std::process::ExitCode;

use clap::Subcommand;

use super::out;
use crate::{
    config::{Flags, figment, settings},
    error::Fatal,
    openapi as document,
};

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Print every setting that is in force; secrets as ***
    Show {
        /// Also say where each value comes from
        #[arg(long)]
        sources: bool,
    },
}

pub fn config(flags: &Flags, command: ConfigCommand) -> Result<ExitCode, Fatal> {
    let ConfigCommand::Show { sources } = command;
    let figment = figment(flags)?;
    for setting in settings(&figment) {
        let source = if sources { format!("\t{}", setting.source) } else { String::new() };
        out(&format!("{} = {}{source}\n", setting.key, setting.value));
    }
    Ok(ExitCode::SUCCESS)
}

pub fn openapi() -> Result<ExitCode, Fatal> {
    let text = document::document().to_pretty_json().map_err(|error| Fatal::new(error.to_string(), ""))?;
    out(&format!("{text}\n"));
    Ok(ExitCode::SUCCESS)
}

pub fn completions(shell: clap_complete::Shell, command: &mut clap::Command) -> Result<ExitCode, Fatal> {
    let mut text = Vec::new();
    clap_complete::generate(shell, command, "keygate", &mut text);
    out(&String::from_utf8_lossy(&text));
    Ok(ExitCode::SUCCESS)
}

pub fn man(command: clap::Command) -> Result<ExitCode, Fatal> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).map_err(|error| Fatal::new(error.to_string(), ""))?;
    out(&String::from_utf8_lossy(&text));
    Ok(ExitCode::SUCCESS)
}
