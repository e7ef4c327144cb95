//! `keygate audit`: errands on the server's machine, because they need the database and the master key.

use std::process::ExitCode;

use clap::Subcommand;
use data_encoding::BASE64;
use serde_json::{Value, json};
use time::{Date, macros::format_description};

use super::{
    exit,
    output::{Column, Output},
    remote::{Remote, usage},
    say,
};
use crate::{
    audit::{self, Finding, Keys, Prunable, Report, Scope, Verification},
    clock::Clock,
    config::Config,
    db::Boot,
    error::Fatal,
    key_ring::{self, root},
    page::text,
    start::{self, Store},
};

#[derive(Subcommand)]
pub enum AuditCommand {
    /// Is every record as it was written, and none missing? Exits with 7 if not
    Verify {
        /// Trust everything up to this checkpoint
        #[arg(long, value_name = "NUMBER")]
        from: Option<u64>,
        /// Only the records of this user
        #[arg(long, value_name = "EMAIL")]
        user: Option<String>,
    },
    /// Delete the records before a date, provably
    Prune {
        /// The first day whose records stay, such as 2026-01-01 (UTC)
        #[arg(long, value_name = "DATE")]
        before: String,
        /// Only say how many there are
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Print the public keys of the checkpoints, the present one last
    Key,
}

pub async fn run(config: Config, remote: &Remote, command: AuditCommand) -> Result<ExitCode, Fatal> {
    let database = start::reach_existing_database(&config).await?;
    let keys = keys(&config, &database).await?;
    match command {
        AuditCommand::Verify { from, user } => {
            verify(&config, &database, &keys, remote, &Scope { from, user }).await
        }
        AuditCommand::Prune { before, dry_run, yes } => {
            let prunable = match prunable(&config, &database, &keys, &before).await? {
                Ok(prunable) => prunable,
                Err(findings) => return Ok(broken(remote, &findings)),
            };
            let what = format!("{} from before {before}", text::count(prunable.records, "record"));
            let told = |records: i64, deleted: bool| {
                tell(remote, &json!({"before": before, "records": records, "deleted": deleted}));
            };
            if dry_run || prunable.records == 0 {
                told(prunable.records, false);
                say(&format!("{what} would be deleted\n"));
                return Ok(ExitCode::SUCCESS);
            }
            remote.agree(&format!("Delete {what}, for good?"), yes)?;
            let gone = audit::prune(&database.settings, &keys, &prunable, &Clock::default()).await?;
            told(gone, true);
            say(&format!("{} from before {before} were deleted\n", text::count(gone, "record")));
            Ok(ExitCode::SUCCESS)
        }
        AuditCommand::Key => {
            let public = |(id, key): (&str, [u8; 32])| json!({"id": id, "public_key": BASE64.encode(&key)});
            remote.output.list(&keys.public().map(public).collect::<Vec<_>>(), &KEY_COLUMNS);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The keys, from a database that has some already: an errand makes none.
async fn keys(config: &Config, database: &Store) -> Result<Keys, Fatal> {
    let mut boot = Boot::connect(&database.settings).await?;
    if boot.schema_version().await? != Some(Boot::newest_version()) {
        let what = "the database is of another version than this program";
        return Err(Fatal::new(what, "use the `keygate` that the server runs, or `keygate migrate`"));
    }
    if key_ring::is_new(&mut boot).await? {
        return Err(Fatal::new(
            "there is no record yet: no server has run on this database",
            "`keygate serve`",
        ));
    }
    let root = root::load(config, false)?;
    let (keys, _) = key_ring::open(&mut boot, root.as_ref(), &Clock::default()).await?;
    boot.close().await?;
    Ok(keys.audit)
}

async fn verify(
    config: &Config,
    database: &Store,
    keys: &Keys,
    remote: &Remote,
    scope: &Scope,
) -> Result<ExitCode, Fatal> {
    let path = config.checkpoints_path();
    let report = audit::verify(&database.settings, keys, &path, scope).await?;
    if scope.from.is_none() && scope.user.is_none() {
        let noted = Verification::write(&report, Clock::default().now(), &path);
        noted.unwrap_or_else(|error| say(&format!("the pages will not tell of this: {error}\n")));
    }
    match remote.output {
        Output::Table => show(remote, &report.findings),
        _ => tell(remote, &document(&report)),
    }
    say(&summary(&report));
    Ok(ExitCode::from(if report.findings.is_empty() { 0 } else { exit::RISK }))
}

/// What is from before that day, which must be over: a mistyped year would take everything.
async fn prunable(
    config: &Config,
    database: &Store,
    keys: &Keys,
    before: &str,
) -> Result<Result<Prunable, Vec<Finding>>, Fatal> {
    let day = Date::parse(before, format_description!("[year]-[month]-[day]"))
        .map_err(|_| usage(format!("'{before}' is no date"), "--before 2026-01-01"))?;
    let today = Clock::default().now().date();
    if day > today {
        return Err(usage(format!("{day} is still to come"), format!("--before {today} at most")));
    }
    audit::prunable(&database.settings, keys, &config.checkpoints_path(), day.midnight().assume_utc()).await
}

fn broken(remote: &Remote, findings: &[Finding]) -> ExitCode {
    show(remote, findings);
    say("Nothing was deleted: the record is not as it was written.\n");
    ExitCode::from(exit::RISK)
}

fn show(remote: &Remote, findings: &[Finding]) {
    let items: Vec<Value> = findings.iter().map(Finding::json).collect();
    if !items.is_empty() || remote.output != Output::Table {
        remote.output.list(&items, &COLUMNS);
    }
}

/// For programs; people read the words on standard error.
fn tell(remote: &Remote, what: &Value) {
    if remote.output != Output::Table {
        remote.output.one(what, &[]);
    }
}

/// How much was looked at stands beside the findings: no findings in no records prove nothing.
fn document(report: &Report) -> Value {
    let Report { rows, chains, checkpoint, unchained, findings, .. } = report;
    let findings: Vec<Value> = findings.iter().map(Finding::json).collect();
    json!({
        "records": rows, "chains": chains, "checkpoint": checkpoint, "unchained": unchained, "findings": findings
    })
}

fn summary(report: &Report) -> String {
    let Report { rows, chains, checkpoint, unchained, findings, took, .. } = report;
    let rate = *rows as f64 / took.as_secs_f64().max(0.001);
    let old = match unchained {
        0 => String::new(),
        old => format!("{old} older records are from before there were chains, and prove nothing\n"),
    };
    format!(
        "{rows} records in {chains} chains up to checkpoint {checkpoint}: {} findings\n{old}{:.1} s, {rate:.0} records/s\n",
        findings.len(),
        took.as_secs_f64()
    )
}

const COLUMNS: [Column; 5] =
    [("log", "/log"), ("user", "/user"), ("number", "/seq"), ("record", "/row"), ("finding", "/finding")];
const KEY_COLUMNS: [Column; 2] = [("id", "/id"), ("public key", "/public_key")];
