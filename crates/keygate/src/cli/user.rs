//! `keygate user`: accounts of people, for administrators.

use std::process::ExitCode;

use clap::Subcommand;
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
    },
    /// End an account's access: sessions, tokens and bots stop at once; nothing is deleted
    Deactivate {
        /// E-mail or id
        user: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Give an account its access back
    Reactivate {
        /// E-mail or id
        user: String,
    },
}

pub async fn run(remote: &Remote, command: UserCommand) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    match command {
        UserCommand::List => remote.output.list(&client.list(USERS).await?, &COLUMNS),
        UserCommand::Add { email, name, password } => {
            let name = remote.text(name, "Name", "--name")?;
            let password = remote.password(&password)?;
            let body = json!({ "email": email, "name": name, "password": password.expose() });
            remote.output.one(&client.post(USERS, Some(body)).await?, &COLUMNS);
        }
        UserCommand::Deactivate { user, yes } => {
            let id = find(&client, &user).await?;
            remote.agree(&format!("Deactivate {user}? Their bots stop at once."), yes)?;
            act(&client, remote, &id, "deactivate").await?;
        }
        UserCommand::Reactivate { user } => {
            let id = find(&client, &user).await?;
            act(&client, remote, &id, "reactivate").await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn act(client: &Client, remote: &Remote, id: &str, verb: &str) -> Result<(), Fatal> {
    remote.output.one(&client.post(&format!("{USERS}/{id}/{verb}"), None).await?, &COLUMNS);
    Ok(())
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
