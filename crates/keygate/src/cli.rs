//! The command line. Data goes to standard output, everything else to standard error; secrets are never
//! flags; exit codes are part of the interface.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory, Parser, Subcommand};
use seal::SecretText;

use crate::{
    config::{Config, Flags, TOKEN},
    error::Fatal,
};

mod access;
mod activity;
mod alert;
mod audit;
mod bot;
mod client;
mod connection;
mod demo;
mod doctor;
mod exchange;
mod exit;
mod limits;
mod offline;
mod output;
mod own_key;
mod panic;
mod problem;
mod program;
mod remote;
mod server;
mod session;
mod sign_in;
mod suspension;
mod unsettled;
mod user;

pub use output::{out, say};
use remote::Remote;

/// A vault and signing gateway for exchange API keys.
#[derive(Parser)]
#[command(name = "keygate", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = exit::TABLE)]
pub struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    remote: Remote,
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
    /// Run everything in a throw-away directory, with a pretend exchange and a bot that calls already
    Demo {
        /// Listen here instead of port 8480, or a free one when that is taken
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Vec<SocketAddr>,
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
    /// Look for what is wrong with this machine's settings, files, database, disk and clock
    Doctor(doctor::DoctorArgs),
    /// Evidence that the record was not rewritten (on the server's machine)
    Audit {
        #[command(subcommand)]
        command: audit::AuditCommand,
    },
    /// Is a running server ready? For container health checks
    Healthcheck,
    /// Is the server ready, and who is signed in?
    Status,
    /// Make the owner's account with the one-time setup link, and sign in
    Setup(sign_in::SetupArgs),
    /// Sign in; later commands use the sign-in until `logout`
    Login(sign_in::LoginArgs),
    /// End the sign-in
    Logout {
        /// All others instead, on every device; this one goes on
        #[arg(long)]
        others: bool,
    },
    /// Change your password; all other sign-ins end by it
    Password(sign_in::PasswordArgs),
    /// Who is signed in, and where
    Whoami,
    /// Accounts at exchanges and their keys
    Connection {
        #[command(subcommand)]
        command: connection::ConnectionCommand,
    },
    /// How much the programs of a connection may do
    Limits {
        #[command(subcommand)]
        command: limits::LimitsCommand,
    },
    /// Stop all signing, at once
    Panic(panic::PanicArgs),
    /// Access keys that stand still because they were used in an unusual way
    Suspension {
        #[command(subcommand)]
        command: suspension::SuspensionCommand,
    },
    /// Orders and withdrawals of which nobody knows what became
    Unsettled {
        #[command(subcommand)]
        command: unsettled::UnsettledCommand,
    },
    /// Programs that use a connection
    Bot {
        #[command(subcommand)]
        command: bot::BotCommand,
    },
    /// What programs show to Keygate: virtual pairs and the personal access key
    Access {
        #[command(subcommand)]
        command: access::AccessCommand,
    },
    /// What happened with which key
    Activity {
        #[command(subcommand)]
        command: activity::ActivityCommand,
    },
    /// What you should hear of: suspicious calls, suspended keys, raised limits
    Alerts {
        #[command(subcommand)]
        command: alert::AlertCommand,
    },
    /// Accounts of people (administrators)
    User {
        #[command(subcommand)]
        command: user::UserCommand,
    },
    /// Settings of the server, and code to paste for bots
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
    /// Print the manual page of Keygate, or of one of its commands
    Man {
        /// The command, such as `connection add`
        command: Vec<String>,
        /// Write the pages of all commands into this directory instead
        #[arg(long, value_name = "DIR", conflicts_with = "command")]
        dir: Option<PathBuf>,
    },
}

/// `secrets`: the variables that [`crate::config::is_secret`] names, which are no longer in the environment.
pub fn main(mut secrets: Vec<(String, SecretText)>) -> ExitCode {
    let mut cli = Cli::parse();
    let token = secrets.iter().position(|(name, _)| name == TOKEN);
    cli.remote.token = token.map(|at| secrets.swap_remove(at).1.into());
    let Settings { config, data_dir } = cli.settings;
    match run(cli.command, Flags { config, data_dir, secrets, ..Flags::default() }, &cli.remote) {
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

fn run(command: Command, flags: Flags, remote: &Remote) -> Result<ExitCode, Fatal> {
    match command {
        Command::Serve { demo, listen, public_url } => {
            let flags = Flags { listen, public_url, ..flags };
            let config = Config::load(&flags)?;
            drop(flags); // and with them the secrets
            on_runtime(server::serve(config, demo))
        }
        Command::Demo { listen } => on_runtime(demo::run(Flags { listen, ..flags })),
        Command::Doctor(args) => on_runtime(doctor::run(&flags, remote, args)),
        Command::SetupLink => on_runtime(server::setup_link(Config::load(&flags)?)),
        Command::Migrate { dry_run } => on_runtime(server::migrate(Config::load(&flags)?, dry_run)),
        Command::Database { command } => on_runtime(server::database(Config::load(&flags)?, command)),
        Command::Audit { command } => on_runtime(audit::run(Config::load(&flags)?, remote, command)),
        Command::Healthcheck => on_runtime(server::healthcheck(&flags, remote.url.clone())),
        Command::Config { command } => offline::config(&flags, remote, command),
        Command::Exchange { command } => exchange::run(remote.output, command),
        Command::Openapi => offline::openapi(),
        Command::Completions { shell } => offline::completions(shell, &mut Cli::command()),
        Command::Man { command, dir } => offline::man(Cli::command(), &command, dir.as_deref()),
        command => on_runtime(ask_server(command, remote)),
    }
}

/// The commands that are clients of a running server.
async fn ask_server(command: Command, remote: &Remote) -> Result<ExitCode, Fatal> {
    match command {
        Command::Setup(args) => sign_in::set_up(remote, args).await,
        Command::Login(args) => sign_in::login(remote, args).await,
        Command::Logout { others: false } => sign_in::logout(remote).await,
        Command::Logout { others: true } => sign_in::logout_others(remote).await,
        Command::Password(args) => sign_in::change_password(remote, args).await,
        Command::Whoami => sign_in::whoami(remote).await,
        Command::Connection { command } => connection::run(remote, command).await,
        Command::Panic(args) => panic::run(remote, args).await,
        Command::Limits { command } => limits::run(remote, command).await,
        Command::Suspension { command } => suspension::run(remote, command).await,
        Command::Unsettled { command } => unsettled::run(remote, command).await,
        Command::Bot { command } => bot::run(remote, command).await,
        Command::Access { command } => access::run(remote, command).await,
        Command::Activity { command } => activity::run(remote, command).await,
        Command::Alerts { command } => alert::run(remote, command).await,
        Command::User { command } => user::run(remote, command).await,
        _ => sign_in::status(remote).await,
    }
}

fn on_runtime<F: Future<Output = Result<ExitCode, Fatal>>>(work: F) -> Result<ExitCode, Fatal> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Fatal::new(format!("cannot start the runtime: {error}"), "check the limits of threads and files")
    })?;
    runtime.block_on(work)
}
