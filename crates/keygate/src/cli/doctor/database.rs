//! The database: an external one is asked, of our own only the programs are looked for. Asking that would start it.

use super::{Finding, Severity, finding};
use crate::{
    cluster,
    config::Config,
    db::{self, Settings, Survey},
};

pub async fn look(config: &Config) -> Finding {
    match config.database.url.as_str() {
        "" => own(config),
        url => external(url).await,
    }
}

fn own(config: &Config) -> Finding {
    match cluster::versions(&config.data_dir.join("postgres")) {
        (Err(error), _) => finding(CHECK, Severity::High, error.to_string(), "apt-get install postgresql"),
        (Ok(newest), Some(used)) if newest != used => finding(
            CHECK,
            Severity::Info,
            format!("the data is of version {used}, the newest installed is {newest}"),
            "keep both installed",
        ),
        (Ok(newest), _) => finding(CHECK, Severity::Ok, format!("version {newest}, our own"), ""),
    }
}

async fn external(url: &str) -> Finding {
    let settings = match Settings::external(url, None) {
        Ok(settings) => settings,
        Err(error) => return finding(CHECK, Severity::High, error.to_string(), "correct that address"),
    };
    match db::survey(&settings).await {
        Ok(survey) => found(&survey),
        Err(error) => finding(CHECK, Severity::High, error.to_string(), remedy(&error)),
    }
}

fn found(survey: &Survey) -> Finding {
    let server = format!("external, version {}", survey.server);
    let Survey { known, shut_out, .. } = survey;
    if !survey.prepared {
        return finding(CHECK, Severity::High, format!("{server}: not prepared"), PREPARE);
    }
    if !shut_out.is_empty() {
        let text = format!("{server}: {} cannot log in", shut_out.join(", "));
        return finding(CHECK, Severity::High, text, PREPARE);
    }
    match survey.schema {
        None => finding(
            CHECK,
            Severity::Info,
            format!("{server}: prepared, without tables yet"),
            "`keygate serve` or `keygate migrate` makes them",
        ),
        Some(schema) if schema < *known => finding(
            CHECK,
            Severity::Info,
            format!("{server}: schema {schema}, this version brings {known}"),
            "back it up; `keygate serve` or `keygate migrate` brings it up to date",
        ),
        Some(schema) if schema > *known => {
            finding(CHECK, Severity::High, format!("{server}: schema {schema}, newer than {known}"), NEWER)
        }
        Some(schema) => finding(CHECK, Severity::Ok, format!("{server}: prepared, schema {schema}"), ""),
    }
}

/// PostgreSQL does not tell a wrong password from a login that is not there.
fn remedy(error: &db::Error) -> &'static str {
    match error.sqlstate().as_deref() {
        Some("28000" | "28P01" | "42501") => PREPARE,
        Some("3D000") => "`create database`, then `keygate database init`",
        _ if matches!(error, db::Error::Outdated { .. }) => "update PostgreSQL",
        _ => "check host and port in database.url, and whether that server runs",
    }
}

const CHECK: &str = "PostgreSQL";
const PREPARE: &str =
    "`keygate database init`, as a superuser, makes the logins and gives them the password in database.url";
const NEWER: &str = "run the newer Keygate again, or restore the backup made before it";
