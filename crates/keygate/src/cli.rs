//! The command line. Data goes to standard output, everything else to standard error; secrets are never
//! flags; exit codes are part of the interface.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::{
    config::{Config, Flags},
    error::Fatal,
};

mod exchange;
mod offline;
mod output;
mod server;

pub use output::{out, say};

/// A vault and signing gateway for exchange API keys.
#[derive(Parser)]
#[command(name = "keygate", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

/// Where a server finds its settings; every other setting has an environment variable.
#[derive(Args, Clone, Default)]
struct Settings {
    /// Configuration file (default: $XDG_CONFIG_HOME/keygate/keygate.toml, then /etc/keygate/keygate.toml)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data directory (default: /var/lib/keygate for root, else $XDG_DATA_HOME/keygate)
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve {
        /// Also run the built-in demo exchange, as the environment `practice`
        #[arg(long)]
        demo: bool,
        /// Listen here instead of 127.0.0.1:8480 and [::1]:8480 (repeatable)
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Vec<SocketAddr>,
        /// The address people and bots use
        #[arg(long, value_name = "URL")]
        public_url: Option<String>,
    },
    /// Print a new one-time setup link (while there is no owner)
    SetupLink,
    /// Bring the database schema up to date
    Migrate {
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Prepare an external PostgreSQL
    Database {
        #[command(subcommand)]
        command: server::DatabaseCommand,
    },
    /// Is a running server ready? For container health checks
    Healthcheck {
        /// The server's address (default: public_url)
        #[arg(long, env = "KEYGATE_URL", value_name = "URL")]
        url: Option<String>,
    },
    /// Settings and client snippets
    Config {
        #[command(subcommand)]
        command: offline::ConfigCommand,
    },
    /// What Keygate knows about exchanges
    Exchange {
        #[command(subcommand)]
        command: exchange::ExchangeCommand,
    },
    /// Print the OpenAPI document
    Openapi,
    /// Print shell completions
    Completions { shell: clap_complete::Shell },
    /// Print the man page
    Man,
}

pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let flags = Flags { config: cli.settings.config, data_dir: cli.settings.data_dir, ..Flags::default() };
    match run(cli.command, flags) {
        Ok(code) => code,
        Err(fatal) => {
            say(&format!("keygate: {}\n", fatal.what));
            if !fatal.next.is_empty() {
                say(&format!("  {}\n", fatal.next));
            }
            ExitCode::from(fatal.exit)
        }
    }
}

fn run(command: Command, mut flags: Flags) -> Result<ExitCode, Fatal> {
    match command {
        Command::Serve { demo, listen, public_url } => {
            flags.listen = listen;
            flags.public_url = public_url;
            on_runtime(server::serve(Config::load(&flags)?, demo))
        }
        Command::SetupLink => on_runtime(server::setup_link(Config::load(&flags)?)),
        Command::Migrate { dry_run } => on_runtime(server::migrate(Config::load(&flags)?, dry_run)),
        Command::Database { command } => on_runtime(server::database(Config::load(&flags)?, command)),
        Command::Healthcheck { url } => on_runtime(server::healthcheck(&flags, url)),
        Command::Config { command } => offline::config(&flags, command),
        Command::Exchange { command } => exchange::run(command),
        Command::Openapi => offline::openapi(),
        Command::Completions { shell } => offline::completions(shell, &mut Cli::command()),
        Command::Man => offline::man(Cli::command()),
    }
}

fn on_runtime<F: Future<Output = Result<ExitCode, Fatal>>>(work: F) -> Result<ExitCode, Fatal> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Fatal::new(format!("cannot start the runtime: {error}"), "check the limits of threads and files")
    })?;
    runtime.block_on(work)
}
