//! Commands that need neither a server nor a database, and `keygate config` as a whole.

use std::{path::Path, process::ExitCode};

use clap::Subcommand;
use clap_mangen::Man;
use serde_json::{Value, json};

use super::{
    on_runtime, out,
    output::{Column, Output},
    program::{self, ProgramArgs},
    remote::{Remote, usage},
};
use crate::{
    config::{Flags, Setting, figment, settings},
    error::Fatal,
    openapi as document,
    snippet::Program,
};

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Python code for ccxt
    Ccxt(ProgramArgs),
    /// JavaScript code for ccxt
    CcxtJs(ProgramArgs),
    /// A configuration file for freqtrade, to pass after its own
    Freqtrade(ProgramArgs),
    /// Python code for python-binance
    PythonBinance(ProgramArgs),
    /// Python code for pybit
    Pybit(ProgramArgs),
    /// Python code for krakenex
    Krakenex(ProgramArgs),
    /// How to bring Hummingbot to the gate; advanced
    Hummingbot(ProgramArgs),
    /// A shell script with curl
    Curl(ProgramArgs),
    /// Lines for an environment file
    Env(ProgramArgs),
    /// Print every setting of the server that is in force; secrets as ***
    Show {
        /// Also say where each value comes from
        #[arg(long)]
        sources: bool,
    },
}

pub fn config(flags: &Flags, remote: &Remote, command: ConfigCommand) -> Result<ExitCode, Fatal> {
    let (program, args) = match command {
        ConfigCommand::Show { sources } => return show(flags, remote.output, sources),
        ConfigCommand::Ccxt(args) => (Program::Ccxt, args),
        ConfigCommand::CcxtJs(args) => (Program::CcxtJs, args),
        ConfigCommand::Freqtrade(args) => (Program::Freqtrade, args),
        ConfigCommand::Pybit(args) => (Program::Pybit, args),
        ConfigCommand::Krakenex(args) => (Program::Krakenex, args),
        ConfigCommand::Hummingbot(args) => (Program::Hummingbot, args),
        ConfigCommand::PythonBinance(args) => (Program::PythonBinance, args),
        ConfigCommand::Curl(args) => (Program::Curl, args),
        ConfigCommand::Env(args) => (Program::Env, args),
    };
    on_runtime(program::run(remote, program, args))
}

fn show(flags: &Flags, output: Output, sources: bool) -> Result<ExitCode, Fatal> {
    let item =
        |setting: Setting| json!({"key": setting.key, "value": setting.value, "source": setting.source});
    let items: Vec<Value> = settings(&figment(flags)?).into_iter().map(item).collect();
    let columns: [Column; 3] = [("setting", "/key"), ("value", "/value"), ("source", "/source")];
    output.list(&items, &columns[..if sources { 3 } else { 2 }]);
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

/// One page to standard output, or all of them as files.
pub fn man(mut root: clap::Command, words: &[String], dir: Option<&Path>) -> Result<ExitCode, Fatal> {
    if let Some(dir) = dir {
        let failed = |error: std::io::Error| {
            Fatal::new(format!("{}: {error}", dir.display()), "make the directory first")
        };
        clap_mangen::generate_to(root, dir).map_err(failed)?;
        return Ok(ExitCode::SUCCESS);
    }
    root.build();
    let mut command = &root;
    for word in words {
        command = command
            .find_subcommand(word)
            .ok_or_else(|| usage(format!("no command '{}'", words.join(" ")), "`keygate help` lists all"))?;
    }
    let mut text = Vec::new();
    Man::new(command.clone()).render(&mut text).map_err(|error| Fatal::new(error.to_string(), ""))?;
    out(&String::from_utf8_lossy(&text));
    Ok(ExitCode::SUCCESS)
}
