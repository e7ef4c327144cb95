//! `keygate user`: accounts of people, for administrators.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::Client,
    exit,
    output::Column,
    remote::{PasswordSource, Remote},
};
use crate::error::Fatal;

#[derive(Subcommand)]
pub enum UserCommand {
    /// All accounts
    List,
    /// Make an account for somebody; tell them the password on another way
    Add {
        email: String,
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        password: PasswordSource,
        /// Read your own password from this file
        #[arg(long, value_name = "FILE")]
        your_password_file: Option<PathBuf>,
    },
    /// End an account's access: sessions, tokens and bots stop at once; nothing is deleted
    Deactivate {
        /// E-mail or id
        user: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Give an account its access back; needs your password
    Reactivate {
        /// E-mail or id
        user: String,
        #[command(flatten)]
        password: PasswordSource,
    },
}

pub async fn run(remote: &Remote, command: UserCommand) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    match command {
        UserCommand::List => remote.output.list(&client.list(USERS).await?, &COLUMNS),
        UserCommand::Add { email, name, password, your_password_file } => {
            let name = remote.text(name, "Name", "--name")?;
            let password = remote.password(&password)?;
            let (what, flag) = ("Your own password", "--your-password-file FILE");
            let yours = remote.secret(what, false, your_password_file.as_deref(), flag)?;
            let body = json!({ "email": email, "name": name, "password": password.expose(),
                "your_password": yours.expose() });
            remote.output.one(&client.post(USERS, Some(body)).await?, &COLUMNS);
        }
        UserCommand::Deactivate { user, yes } => {
            let id = find(&client, &user).await?;
            remote.agree(&format!("Deactivate {user}? Their bots stop at once."), yes)?;
            remote.output.one(&client.post(&format!("{USERS}/{id}/deactivate"), None).await?, &COLUMNS);
        }
        UserCommand::Reactivate { user, password } => {
            let path = format!("{USERS}/{}/reactivate", find(&client, &user).await?);
            let user = client.confirmed(remote, &password, Method::POST, &path, json!({})).await?;
            remote.output.one(&user, &COLUMNS);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn find(client: &Client, wanted: &str) -> Result<String, Fatal> {
    let users = client.list(USERS).await?;
    let same = |user: &&Value| {
        user["id"] == *wanted
            || user["email"].as_str().is_some_and(|email| email.eq_ignore_ascii_case(wanted))
    };
    let id = users.iter().find(same).and_then(|user| user["id"].as_str());
    id.map(str::to_owned).ok_or_else(|| Fatal {
        what: format!("no user '{wanted}'"),
        next: "`keygate user list` shows all".to_owned(),
        exit: exit::NOT_FOUND,
    })
}

const USERS: &str = "/api/v1/admin/users";
const COLUMNS: [Column; 5] =
    [("e-mail", "/email"), ("name", "/name"), ("role", "/role"), ("active", "/is_active"), ("id", "/id")];
