//! `keygate doctor`: what a person would look at when something is odd, without changing anything.

use std::{fs, os::unix::fs::MetadataExt, path::Path, process::ExitCode, time::Duration};

use clap::{Args, ValueEnum};
use exchange::{Definition, Exchanges, PRODUCTION, Probe};
use serde::Serialize;
use serde_json::{Value, json};

use super::{client::Client, exit, output::Column, remote::Remote};
use crate::{
    clock::Clock,
    cluster,
    config::{Config, Flags, MasterKeySource, figment, settings},
    error::Fatal,
    upstream::Upstream,
};

mod database;
mod geoip;
mod names;

#[derive(Args)]
pub struct DoctorArgs {
    /// Exit with 7 when something is at least as bad as this
    #[arg(long, value_enum, default_value = "high")]
    fail_on: Severity,
    /// Do not ask the exchanges what time it is
    #[arg(long)]
    offline: bool,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    #[value(skip)]
    Ok,
    Info,
    Medium,
    High,
}

/// One look at one thing.
struct Finding {
    check: String,
    severity: Severity,
    text: String,
    fix: &'static str,
}

/// Exit code 7 when something is at least as bad as `--fail-on`.
pub async fn run(flags: &Flags, remote: &Remote, args: DoctorArgs) -> Result<ExitCode, Fatal> {
    let findings = match Config::load(flags) {
        Ok(config) => look(flags, remote, &config, args.offline).await?,
        Err(error) => vec![finding("settings", Severity::High, error.to_string(), "correct that setting")],
    };
    let items: Vec<Value> = findings.iter().map(Finding::json).collect();
    remote.output.list(&items, &COLUMNS);
    match findings.iter().any(|finding| finding.severity >= args.fail_on) {
        true => Ok(ExitCode::from(exit::RISK)),
        false => Ok(ExitCode::SUCCESS),
    }
}

async fn look(flags: &Flags, remote: &Remote, config: &Config, offline: bool) -> Result<Vec<Finding>, Fatal> {
    let mut findings = vec![sources(flags)?, addresses(config), data_dir(config)];
    findings.extend([
        master_key(config),
        database::look(config).await,
        room(config),
        server(remote, config).await?,
    ]);
    findings.extend(names::look(config));
    findings.extend(geoip::look(config));
    if offline {
        return Ok(findings);
    }
    let upstream = Upstream::new(&config.gateway)?;
    for definition in Exchanges::builtin().iter() {
        findings.push(clock(definition, &upstream).await);
    }
    Ok(findings)
}

fn sources(flags: &Flags) -> Result<Finding, Fatal> {
    let all = settings(&figment(flags)?);
    let changed: Vec<String> =
        all.into_iter().filter(|setting| setting.source != "default").map(|setting| setting.key).collect();
    let text = match changed.is_empty() {
        true => "every setting has its default".to_owned(),
        false => format!("not at their defaults: {}", changed.join(", ")),
    };
    Ok(finding("settings", Severity::Ok, text, ""))
}

fn addresses(config: &Config) -> Finding {
    let text = format!("answers to the names {}", config.accepted_hosts(&config.listen).join(", "));
    let authority = config.public_authority();
    let local = ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|name| authority == *name || authority.starts_with(&format!("{name}:")));
    match config.public_url.starts_with("http://") && !local {
        true => finding(
            "addresses",
            Severity::High,
            format!("{text}; public_url is plain HTTP"),
            "put a TLS proxy in front and set public_url to https",
        ),
        false => finding("addresses", Severity::Ok, text, ""),
    }
}

fn data_dir(config: &Config) -> Finding {
    let dir = config.data_dir.display();
    let Ok(meta) = fs::metadata(&config.data_dir) else {
        return finding(
            "data directory",
            Severity::Info,
            format!("{dir} does not exist yet"),
            "`keygate serve` makes it",
        );
    };
    let mode = meta.mode() & 0o7777;
    match mode & 0o066 {
        0 => finding("data directory", Severity::Ok, format!("{dir}, mode {mode:04o}"), ""),
        _ => finding(
            "data directory",
            Severity::High,
            format!("{dir} has mode {mode:04o}"),
            "chmod 0700 (0711 as root)",
        ),
    }
}

fn master_key(config: &Config) -> Finding {
    let check = "master key";
    if config.master_key.source == MasterKeySource::Env {
        return finding(check, Severity::Ok, "comes from outside the data directory".to_owned(), "");
    }
    let path = config.master_key_path();
    let shown = path.display();
    let Ok(meta) = fs::symlink_metadata(&path) else {
        return finding(
            check,
            Severity::Info,
            format!("{shown} does not exist yet"),
            "the first start makes it",
        );
    };
    if meta.mode() & 0o077 != 0 {
        return finding(check, Severity::High, format!("{shown} can be read by others"), "chmod 0400");
    }
    match beside(&path, &config.data_dir) {
        true => finding(
            check,
            Severity::Medium,
            format!("{shown} lies beside the data it protects"),
            "keep a copy elsewhere; set master_key.path or a systemd credential",
        ),
        false => finding(check, Severity::Ok, shown.to_string(), ""),
    }
}

/// On the same file system: whoever takes the disk takes both.
fn beside(key: &Path, data: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev()).ok();
    key.starts_with(data) || device(key) == device(data)
}

fn room(config: &Config) -> Finding {
    let existing = config.data_dir.ancestors().find(|dir| dir.is_dir());
    let free = existing.and_then(cluster::free_bytes).unwrap_or_default() >> 20;
    let severity = match free {
        0..256 => Severity::High,
        256..1024 => Severity::Medium,
        _ => Severity::Ok,
    };
    finding(
        "disk",
        severity,
        format!("{free} MiB free for the data"),
        if severity == Severity::Ok {
            ""
        } else {
            "make room; without it no order can be recorded, and so none is signed"
        },
    )
}

async fn server(remote: &Remote, config: &Config) -> Result<Finding, Fatal> {
    let url = remote.url.clone().unwrap_or_else(|| config.public_url.clone());
    let client = Client::new(&Remote { url: Some(url.clone()), ..remote.clone() })?;
    Ok(match client.readiness().await {
        Ok(status) if status.is_success() => finding("server", Severity::Ok, format!("{url} is ready"), ""),
        Ok(status) => finding(
            "server",
            Severity::High,
            format!("{url} is not ready ({status})"),
            "its log says why; `keygate setup-link` if there is no owner yet",
        ),
        Err(_) => finding(
            "server",
            Severity::Info,
            format!("nothing answers at {url}"),
            "`keygate serve` starts it",
        ),
    })
}

/// Our clock against the exchange's, give or take half of the time the answer took.
async fn clock(definition: &Definition, upstream: &Upstream) -> Finding {
    let check = format!("clock at {}", definition.name());
    match skew(definition, upstream).await {
        None => finding(
            &check,
            Severity::Info,
            "cannot be reached from here".to_owned(),
            "check the network, if bots shall trade there",
        ),
        Some(ms) if ms.abs() > 1000 => finding(
            &check,
            Severity::High,
            format!("we are {ms} ms ahead"),
            "set the clock, for example with systemd-timesyncd",
        ),
        Some(ms) if ms.abs() > 500 => finding(
            &check,
            Severity::Medium,
            format!("we are {ms} ms ahead"),
            "set the clock, for example with systemd-timesyncd",
        ),
        Some(ms) => finding(&check, Severity::Ok, format!("we are {ms} ms ahead"), ""),
    }
}

async fn skew(definition: &Definition, upstream: &Upstream) -> Option<i64> {
    let request = definition.probe(Probe::Time, "", "")?;
    let place = definition.upstream(PRODUCTION, &request)?;
    let outgoing = definition.unsigned(&request, &place);
    let sent = Clock::default().now_ms();
    let answer = tokio::time::timeout(Duration::from_secs(5), upstream.send(&outgoing)).await.ok()?.ok()?;
    let middle = sent.midpoint(Clock::default().now_ms());
    let date = answer.headers.get("date");
    let theirs = i64::try_from(definition.read_time(&answer.body, date).ok()?).ok()?;
    Some(middle - theirs)
}

impl Finding {
    fn json(&self) -> Value {
        json!({ "check": self.check, "severity": self.severity, "text": self.text, "fix": self.fix })
    }
}

fn finding(check: &str, severity: Severity, text: impl Into<String>, fix: &'static str) -> Finding {
    Finding { check: check.to_owned(), severity, text: text.into(), fix }
}

const COLUMNS: [Column; 4] =
    [("check", "/check"), ("result", "/severity"), ("found", "/text"), ("fix", "/fix")];
