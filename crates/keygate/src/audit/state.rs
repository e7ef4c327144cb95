//! What a user sees of the proof: how many of their records are chained, when that was last signed, and when somebody last
//! verified all records of this machine. Only `keygate audit verify` proves anything; this says whether it is time for it.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Report, store};
use crate::{app::App, error::Result, page::text};

/// The chains of one user, and what covers them.
pub struct State {
    pub records: i64,
    /// How many of them the newest checkpoint of this server covers.
    pub covered: i64,
    /// The newest checkpoint of this server.
    pub checkpoint: Option<Signed>,
    pub verified: Option<Verification>,
    /// The last checkpoint of this server could not be made.
    pub has_failed: bool,
    now: OffsetDateTime,
}

#[derive(Clone, Copy, Debug)]
pub struct Signed {
    pub number: u64,
    pub at: OffsetDateTime,
}

/// The last time that all records were verified on this machine.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Verification {
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    pub records: u64,
    pub findings: usize,
}

pub async fn state(app: &App, user: Uuid) -> Result<State> {
    let mut tx = app.db.user(user).await?;
    let records = store::count_chained(&mut tx).await?;
    tx.commit().await?;
    let (covered, checkpoint) = app.checkpoints.covered(user).await;
    let verified = Verification::read(&app.config.checkpoints_path());
    let has_failed = app.checkpoints.has_failed();
    Ok(State { records, covered, checkpoint, verified, has_failed, now: app.clock.now() })
}

impl State {
    pub fn ago(&self, at: &OffsetDateTime) -> String {
        text::ago((self.now - *at).whole_seconds())
    }

    /// Records have waited for a checkpoint for longer than one takes. Right after its start a server has made none yet.
    pub fn is_late(&self) -> bool {
        self.covered < self.records && self.checkpoint.is_some_and(|own| self.now - own.at > LATE)
    }

    /// A checkpoint has seen records that are not there: the database is an older one, or somebody removed them.
    pub fn has_lost(&self) -> bool {
        self.covered > self.records
    }

    /// How loudly it is told.
    pub fn tone(&self) -> &'static str {
        match (self.has_lost(), self.has_failed || self.is_late()) {
            (true, _) => "bad",
            (false, true) => "warn",
            (false, false) => "ok",
        }
    }

    /// `17 records`
    pub fn chained(&self) -> String {
        text::count(self.records, "record")
    }

    /// The same of those that wait for the next checkpoint.
    pub fn waiting(&self) -> String {
        text::count(self.records - self.covered, "record")
    }
}

impl Verification {
    /// Leaves a note beside the checkpoints. It proves nothing; it tells the pages when that was.
    pub fn write(report: &Report, at: OffsetDateTime, checkpoints: &Path) -> io::Result<()> {
        let note = Verification { at, records: report.rows, findings: report.findings.len() };
        let path = checkpoints.with_file_name(NOTE);
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_vec(&note)?)?;
        fs::rename(new, path)
    }

    fn read(checkpoints: &Path) -> Option<Verification> {
        serde_json::from_slice(&fs::read(checkpoints.with_file_name(NOTE)).ok()?).ok()
    }
}

const LATE: time::Duration = time::Duration::minutes(5);
const NOTE: &str = "verified.json";
