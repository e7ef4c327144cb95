//! What every command of a client shares: where the server is, how to print, whether questions may be asked.

use std::{
    fs,
    io::{IsTerminal, Read, Write, stderr, stdin},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, builder::FalseyValueParser};
use seal::SecretText;

use super::{exit, output::Output, say};
use crate::error::Fatal;

#[derive(Args, Clone)]
pub struct Remote {
    /// The server to talk to (default: the one you signed in to, else http://localhost:8480)
    #[arg(long, global = true, env = "KEYGATE_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Form of the data on standard output
    #[arg(long, global = true, env = "KEYGATE_OUTPUT", value_enum, default_value = "table")]
    pub output: Output,
    /// Never ask anything: fail and name the flag to pass
    #[arg(long, global = true, env = "KEYGATE_NO_INPUT", value_parser = FalseyValueParser::new())]
    pub no_input: bool,
    /// `KEYGATE_TOKEN`, which is no longer in the environment
    #[arg(skip)]
    pub token: Option<Arc<SecretText>>,
}

/// Where a password comes from when it is not typed. There is no flag that takes the password itself.
#[derive(Args, Clone)]
pub struct PasswordSource {
    /// Read the password from standard input
    #[arg(long, conflicts_with = "password_file")]
    pub password_stdin: bool,
    /// Read the password from this file
    #[arg(long, env = "KEYGATE_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

impl PasswordSource {
    /// Not to be typed.
    pub fn is_given(&self) -> bool {
        self.password_stdin || self.password_file.is_some()
    }
}

impl Remote {
    /// A value given as a flag, or typed.
    pub fn text(&self, given: Option<String>, what: &str, flag: &str) -> Result<String, Fatal> {
        if let Some(given) = given {
            return Ok(given);
        }
        self.ask(what, flag)?;
        let mut line = String::new();
        stdin().read_line(&mut line).map_err(|error| unreadable("standard input", &error))?;
        Ok(line.trim().to_owned())
    }

    /// A new or old password, typed without echo unless it comes from a file or standard input.
    pub fn password(&self, source: &PasswordSource) -> Result<SecretText, Fatal> {
        let flags = "--password-stdin or --password-file FILE";
        self.secret("Password", source.password_stdin, source.password_file.as_deref(), flags)
    }

    /// A secret from standard input, from a file, or typed without echo; never from a flag.
    pub fn secret(
        &self,
        what: &str,
        from_stdin: bool,
        file: Option<&Path>,
        flags: &str,
    ) -> Result<SecretText, Fatal> {
        if from_stdin {
            let mut text = String::new();
            stdin().read_to_string(&mut text).map_err(|error| unreadable("standard input", &error))?;
            return Ok(without_end(text));
        }
        if let Some(path) = file {
            let text =
                fs::read_to_string(path).map_err(|error| unreadable(&path.display().to_string(), &error))?;
            return Ok(without_end(text));
        }
        self.may_ask(what, flags)?;
        let typed = rpassword::prompt_password(format!("{what}: "));
        typed.map(SecretText::from).map_err(|error| unreadable("the terminal", &error))
    }

    /// Agreement to something that cannot be taken back.
    pub fn agree(&self, question: &str, given: bool) -> Result<(), Fatal> {
        if given {
            return Ok(());
        }
        let answer = self.text(None, &format!("{question} [y/N]"), "--yes")?;
        match ["y", "yes"].contains(&answer.to_lowercase().as_str()) {
            true => Ok(()),
            false => Err(Fatal::new("nothing was done", "answer y, or pass --yes")),
        }
    }

    /// Agreement to something dangerous, by its name.
    pub fn agree_by_name(&self, name: &str, given: Option<String>) -> Result<(), Fatal> {
        let typed = self.text(given, &format!("the name '{name}', to go on"), "--confirm NAME")?;
        match typed == name {
            true => Ok(()),
            false => Err(usage("nothing was done: the name does not match", format!("its name is '{name}'"))),
        }
    }

    fn ask(&self, what: &str, flag: &str) -> Result<(), Fatal> {
        self.may_ask(what, flag)?;
        say(&format!("{what}: "));
        stderr().flush().map_err(|error| unreadable("the terminal", &error))
    }

    /// Is there a person at a terminal who wants to be asked?
    pub fn can_ask(&self) -> bool {
        !self.no_input && stdin().is_terminal() && stderr().is_terminal()
    }

    fn may_ask(&self, what: &str, flag: &str) -> Result<(), Fatal> {
        match self.can_ask() {
            true => Ok(()),
            false => Err(usage(format!("needed and not given: {what}"), format!("pass {flag}"))),
        }
    }
}

pub fn usage(what: impl Into<String>, next: impl Into<String>) -> Fatal {
    Fatal { what: what.into(), next: next.into(), exit: exit::USAGE }
}

/// Editors and `echo` end a file with a line break that belongs to no secret.
pub fn without_end(mut text: String) -> SecretText {
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    SecretText::from(text)
}

fn unreadable(place: &str, error: &std::io::Error) -> Fatal {
    Fatal::new(format!("cannot read {place}: {error}"), "check that it exists and holds UTF-8 text")
}
