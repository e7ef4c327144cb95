//! Passwords: rules for new ones, and hashing on a few threads so that logins cannot exhaust the machine.

use seal::SecretText;
use tokio::sync::Semaphore;

use super::Email;
use crate::{
    app::App,
    error::{Code, Error, Result},
};

/// A new password that follows the rules.
pub struct New(SecretText);

pub struct Verdict {
    pub correct: bool,
    /// Set when the stored hash is weaker than today's default.
    pub better_hash: Option<String>,
}

impl New {
    /// Length is what counts; no composition rules. Not the e-mail, not the product's name, not one letter, and none of
    /// those that are tried first.
    pub fn parse(secret: SecretText, email: &Email) -> Result<Self> {
        let text = secret.expose();
        let length = text.chars().count();
        if !(MIN..=MAX).contains(&length) {
            return Err(Error::field(
                "/password",
                format!("needs {MIN} to {MAX} characters; 15 or more are better"),
            ));
        }
        let lower = text.to_lowercase();
        let local = email.text().split('@').next().unwrap_or("");
        let guessable =
            (local.len() >= 4 && lower.contains(local)) || lower.contains("keygate") || monotone(&lower);
        if guessable {
            return Err(Error::field("/password", "is easy to guess; take a few unrelated words"));
        }
        match is_common(&lower) {
            true => {
                Err(Error::field("/password", "is one of the most common ones; take a few unrelated words"))
            }
            false => Ok(New(secret)),
        }
    }
}

pub async fn hash(app: &App, new: New) -> Result<String> {
    let hasher = app.keys.passwords.clone();
    on_a_hashing_thread(move || hasher.hash(new.0.expose())).await?.map_err(Error::internal)
}

/// Takes the same time whether there is a stored hash or not.
pub async fn verify(app: &App, given: SecretText, stored: Option<String>) -> Result<Verdict> {
    let hasher = app.keys.passwords.clone();
    on_a_hashing_thread(move || {
        let given = given.expose();
        let correct = match &stored {
            Some(stored) => hasher.verify(given, stored),
            None => hasher.verify_unknown(given),
        };
        let stale = correct && stored.is_some_and(|stored| hasher.needs_rehash(&stored));
        let better_hash = if stale { hasher.hash(given).ok() } else { None };
        Verdict { correct, better_hash }
    })
    .await
}

/// At most two at a time (64 MiB each); a long queue answers 503 instead of growing.
async fn on_a_hashing_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let busy =
        || Code::Unavailable.with("Too many people are signing in. Try again in a moment.").retry_after(2);
    let _queued = QUEUE.try_acquire().map_err(|_| busy())?;
    let _running = RUNNING.acquire().await.map_err(|_| busy())?;
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

/// Whatever the case of its letters.
fn is_common(lower: &str) -> bool {
    COMMON.lines().any(|common| common == lower.trim())
}

/// One character repeated, or a run like 1234567890123… or abcdef….
fn monotone(text: &str) -> bool {
    let codes: Vec<i64> = text.chars().map(|c| i64::from(u32::from(c))).collect();
    let wrap = if text.chars().all(|c| c.is_ascii_digit()) { 10 } else { i64::MAX };
    let run = |step| codes.windows(2).all(|pair| (pair[1] - pair[0] - step) % wrap == 0);
    run(0) || run(1) || run(-1)
}

static RUNNING: Semaphore = Semaphore::const_new(2);
static QUEUE: Semaphore = Semaphore::const_new(34);
/// One per line, in lower case; shorter ones are refused anyway.
const COMMON: &str = include_str!("common_passwords.txt");
const MIN: usize = 12;
const MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_password_could_be_typed_and_is_compared_as_it_stands() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!((500..=1000).contains(&lines.len()), "{} lines", lines.len());
        assert!(lines.is_sorted_by(|a, b| a < b), "not in order, or one stands there twice");
        for line in lines {
            assert!(
                line.chars().count() >= MIN && line == line.to_lowercase() && line == line.trim(),
                "{line}"
            );
        }
    }
}
