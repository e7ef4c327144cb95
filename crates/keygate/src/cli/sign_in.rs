//! `keygate setup`, `login`, `logout`, `whoami`, `status`: who is calling which server.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::{Client, strange},
    exit,
    output::Column,
    remote::{PasswordSource, Remote, usage},
    say,
    session::{Locked, Session},
};
use crate::error::Fatal;

#[derive(Args)]
pub struct SetupArgs {
    /// File with the setup link (default: standard input, as in `keygate setup-link | keygate setup …`)
    #[arg(long, value_name = "FILE")]
    link_file: Option<PathBuf>,
    /// The owner's e-mail address
    #[arg(long)]
    email: Option<String>,
    /// The owner's name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    password: PasswordSource,
}

#[derive(Args)]
pub struct LoginArgs {
    /// Your e-mail address
    #[arg(long)]
    email: Option<String>,
    #[command(flatten)]
    password: PasswordSource,
}

#[derive(Args)]
pub struct PasswordArgs {
    #[command(flatten)]
    password: PasswordSource,
    /// Read the new password from this file
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
}

/// Makes the owner's account with the one-time link, and signs in.
pub async fn set_up(remote: &Remote, args: SetupArgs) -> Result<ExitCode, Fatal> {
    if args.password.password_stdin && args.link_file.is_none() {
        return Err(usage("standard input cannot hold both link and password", "pass --password-file FILE"));
    }
    let from_stdin = args.link_file.is_none() && !remote.can_ask();
    let link = remote.secret("Setup link", from_stdin, args.link_file.as_deref(), "--link-file FILE")?;
    let token = link.expose().rsplit('#').next().unwrap_or_default().trim().to_owned();
    let email = remote.text(args.email, "E-mail", "--email")?;
    let name = remote.text(args.name, "Name", "--name")?;
    let password = remote.password(&args.password)?;
    let client = Client::new(remote)?;
    let body = json!({ "token": token, "email": email, "name": name, "password": password.expose() });
    keep(&client, "/api/v1/auth/setup", body).await?;
    say(&format!("The account is made, and you are signed in at {}.\n", client.base));
    Ok(ExitCode::SUCCESS)
}

pub async fn login(remote: &Remote, args: LoginArgs) -> Result<ExitCode, Fatal> {
    let email = remote.text(args.email, "E-mail", "--email")?;
    let password = remote.password(&args.password)?;
    let client = Client::new(remote)?;
    let body = json!({ "email": email, "password": password.expose() });
    keep(&client, "/api/v1/auth/login", body).await?;
    say(&format!("Signed in at {}.\n", client.base));
    Ok(ExitCode::SUCCESS)
}

/// A new password. All sign-ins end by it; this one is made anew.
pub async fn change_password(remote: &Remote, args: PasswordArgs) -> Result<ExitCode, Fatal> {
    let password = remote.password(&args.password)?;
    let file = args.new_password_file.as_deref();
    let new = remote.secret("New password", false, file, "--new-password-file FILE")?;
    if file.is_none() && remote.secret("The same again", false, None, "")?.expose() != new.expose() {
        return Err(usage("nothing was changed: the two are not the same", "type it again"));
    }
    let body = json!({ "password": password.expose(), "new_password": new.expose() });
    keep_anew(&Client::new(remote)?, "/api/v1/users/me/password", Some(body)).await?;
    say("Your password is changed. All other sign-ins have ended; access keys go on.\n");
    Ok(ExitCode::SUCCESS)
}

/// Ends all sign-ins but this one, which is made anew.
pub async fn logout_others(remote: &Remote) -> Result<ExitCode, Fatal> {
    keep_anew(&Client::new(remote)?, "/api/v1/auth/logout-others", None).await?;
    say("All other sign-ins have ended; access keys go on.\n");
    Ok(ExitCode::SUCCESS)
}

/// Ends the sign-in at the server and forgets it here. Being signed out already is no failure.
pub async fn logout(remote: &Remote) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    let ended = client.call(Method::POST, "/api/v1/auth/logout", None).await;
    match ended {
        Err(error) if error.exit != exit::NOT_SIGNED_IN => {
            say(
                "The server could not be told; the sign-in is forgotten here and ends there within 7 days.\n",
            );
        }
        _ => say("Signed out.\n"),
    }
    Locked::open()?.remove()?;
    Ok(ExitCode::SUCCESS)
}

pub async fn whoami(remote: &Remote) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    let mut me = client.get("/api/v1/users/me").await?;
    me["url"] = client.base.into();
    remote.output.one(&me, &ME);
    Ok(ExitCode::SUCCESS)
}

/// Is the server ready, and are we signed in? Exit code 8 when it is not ready.
pub async fn status(remote: &Remote) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    let ready = client.readiness().await?;
    let me = client.get("/api/v1/users/me").await.unwrap_or_default();
    let state = if ready.is_success() { "ready" } else { "not ready" };
    let status = json!({ "url": client.base, "state": state, "signed_in_as": me["email"] });
    remote.output.one(&status, &STATUS);
    match ready.is_success() {
        true => Ok(ExitCode::SUCCESS),
        false => Ok(ExitCode::from(exit::UNREACHABLE)),
    }
}

async fn keep_anew(client: &Client, path: &str, body: Option<Value>) -> Result<(), Fatal> {
    let answer = client.post(path, body).await?;
    let session = Session::from_answer(&client.base, &answer).ok_or_else(|| strange(&client.base))?;
    Locked::open()?.write(&session)
}

async fn keep(client: &Client, path: &str, body: Value) -> Result<(), Fatal> {
    let file = Locked::open()?;
    let answer = client.anonymous(path, body).await?;
    let session = Session::from_answer(&client.base, &answer).ok_or_else(|| strange(&client.base))?;
    file.write(&session)
}

const ME: [Column; 5] =
    [("e-mail", "/email"), ("name", "/name"), ("role", "/role"), ("id", "/id"), ("server", "/url")];
const STATUS: [Column; 3] = [("server", "/url"), ("state", "/state"), ("signed in as", "/signed_in_as")];
