//! Commands of the machine a server runs on.

use std::{process::ExitCode, time::Duration};

use clap::Subcommand;
use sqlx::Connection;
use tokio::signal::unix::{SignalKind, signal};

use super::{out, say};
use crate::{
    clock::Clock,
    config::{Config, Flags},
    db::{Boot, prepare},
    error::Fatal,
    log,
    start::{self, Server},
    user,
};

#[derive(Subcommand)]
pub enum DatabaseCommand {
    /// Make roles, logins and extensions; run once as a superuser of that PostgreSQL
    Init {
        /// File with the superuser's URL: postgres://postgres:…@host/keygate (default: standard input)
        #[arg(long, value_name = "FILE")]
        admin_url_file: Option<std::path::PathBuf>,
    },
}

pub async fn serve(config: Config, demo: bool) -> Result<ExitCode, Fatal> {
    log::init(&config.log);
    for variable in &config.exposed {
        tracing::warn!(
            variable,
            "a secret came in an environment variable; it was removed from this process, but a file \
             (KEYGATE_…_FILE) or a systemd credential is safer"
        );
    }
    for variable in &config.unknown {
        tracing::warn!(
            variable,
            "no setting has the name of this environment variable; it counts for nothing"
        );
    }
    let server = start::start(config, Clock::default(), demo).await?;
    greet(&server);
    until_told(&server).await?;
    let clean = server.database_runs();
    server.stop().await;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn greet(server: &Server) {
    let url = &server.app.config.public_url;
    match (&server.setup_link, &server.demo) {
        (Some(link), None) => {
            out(&format!("Keygate is ready. Set it up here, once, within 30 minutes: {link}\n"))
        }
        (None, None) => out(&format!("Keygate is ready: {url}\n")),
        (link, Some(demo)) => out(&demo_lines(url, link.as_deref(), &demo.url())),
    }
}

fn demo_lines(url: &str, link: Option<&str>, demo: &str) -> String {
    let first = link
        .map_or_else(|| format!("1. Sign in: {url}/login"), |link| format!("1. Make your account: {link}"));
    format!(
        "{first}\n\
         2. Add a connection: exchange Binance, environment practice, with the demo key that the form offers\n\
         3. Tick \"may trade\", and read what the check found about the key\n\
         4. Add a bot and give it a virtual pair: the page shows six lines for ccxt\n\
         5. Run them: the order fills at the demo exchange, {demo}/_demo/ shows it signed with the real key\n\
         6. Look at Activity, then revoke the pair and run them again\n"
    )
}

/// Until a signal, or until our database is lost.
pub async fn until_told(server: &Server) -> Result<(), Fatal> {
    let failed = |error: std::io::Error| Fatal::new(format!("cannot wait for signals: {error}"), "");
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut watch = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = watch.tick() => if !server.database_runs() {
                tracing::error!("the private PostgreSQL does not come back; stopping");
                return Ok(());
            },
        }
    }
}

/// Talks to the database of a running server, or starts our own for a moment.
pub async fn setup_link(config: Config) -> Result<ExitCode, Fatal> {
    let public_url = config.public_url.clone();
    let database = start::reach_database(&config).await?;
    let mut boot = Boot::connect(&database.settings).await?;
    match boot.schema_version().await? {
        Some(found) if found == Boot::newest_version() => {}
        // A running server keeps the schema it knows; another version of it has to make the link itself.
        _ if database.cluster.is_none() => {
            return Err(Fatal::new(
                "the running server is of another version",
                "restart it with this one, or use the `keygate` it was started with",
            ));
        }
        _ => boot.migrate().await?,
    }
    let link = user::make_setup_link(&public_url, &Clock::default(), &mut boot)
        .await
        .map_err(|error| Fatal::new(error.detail.to_string(), "sign in instead, or ask the owner"))?;
    boot.close().await?;
    out(&format!("{link}\n"));
    Ok(ExitCode::SUCCESS)
}

pub async fn migrate(config: Config, dry_run: bool) -> Result<ExitCode, Fatal> {
    start::make_data_dir(&config.data_dir)?;
    let database = start::open_database(&config).await?;
    let mut boot = Boot::connect(&database.settings).await?;
    let before = boot.schema_version().await?;
    let known = Boot::newest_version();
    if dry_run {
        out(&format!("schema {} -> {known}\n", before.unwrap_or(0)));
        return Ok(ExitCode::SUCCESS);
    }
    boot.migrate().await?;
    boot.close().await?;
    out(&format!("schema {known}\n"));
    Ok(ExitCode::SUCCESS)
}

/// The superuser's URL is a secret: it comes from a file or standard input, and is used once.
pub async fn database(config: Config, command: DatabaseCommand) -> Result<ExitCode, Fatal> {
    let DatabaseCommand::Init { admin_url_file } = command;
    let given = match admin_url_file {
        Some(path) => std::fs::read_to_string(&path)
            .map_err(|error| Fatal::new(format!("{}: {error}", path.display()), "check the path"))?,
        None => {
            say("Paste the superuser's URL (postgres://postgres:PASSWORD@host/keygate) and press Enter.\n");
            let mut line = String::new();
            std::io::stdin()
                .read_line(&mut line)
                .map_err(|error| Fatal::new(error.to_string(), "give it with --admin-url-file"))?;
            line
        }
    };
    let unreachable = |error: sqlx::Error| {
        Fatal::new(crate::db::Error::from(error).to_string(), "check the URL; the user must be a superuser")
    };
    let mut admin = sqlx::PgConnection::connect(given.trim()).await.map_err(unreachable)?;
    prepare(&mut admin, password(&config.database.url).as_deref()).await?;
    admin.close().await.map_err(unreachable)?;
    say("The database is prepared. Start the server with the same KEYGATE_DATABASE__URL.\n");
    Ok(ExitCode::SUCCESS)
}

/// The password in `KEYGATE_DATABASE__URL`: all logins of the service share it.
fn password(url: &str) -> Option<String> {
    let authority = url.split_once("://")?.1.split('/').next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let password = user.split_once(':')?.1;
    form_urlencoded::parse(format!("p={}", password.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
}

pub async fn healthcheck(flags: &Flags, url: Option<String>) -> Result<ExitCode, Fatal> {
    let url = match url {
        Some(url) => url,
        None => Config::load(flags)?.public_url,
    };
    let unready = |what: String| Fatal { what, next: String::new(), exit: 8 };
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .build()
        .map_err(|error| unready(error.to_string()))?;
    let answer = client.get(format!("{}/readyz", url.trim_end_matches('/'))).send().await;
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(ExitCode::SUCCESS),
        Ok(answer) => Err(unready(format!("{url} is not ready ({})", answer.status()))),
        Err(_) => Err(unready(format!("{url} cannot be reached"))),
    }
}
