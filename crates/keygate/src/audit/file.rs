//! The file of checkpoints: lines are added and synced, and none is ever changed. A line that a power cut left in the
//! middle is no line; it is cut off before the next one.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use tokio::sync::Mutex;
use uuid::Uuid;

use super::{
    Head, Keys, Log,
    checkpoint::{Checkpoint, Hash, History, Mark, lines, root},
    state::Signed,
    store,
};
use crate::{
    app::App,
    error::{Error, Result},
};

/// The file, and what it says. Two instances may share it: each reads what the other has added.
pub struct Checkpoints {
    path: PathBuf,
    read: Mutex<ReadSoFar>,
    /// The last one could not be made.
    failed: AtomicBool,
}

#[derive(Default)]
struct ReadSoFar {
    bytes: u64,
    history: History,
}

impl Checkpoints {
    pub fn new(path: PathBuf) -> Checkpoints {
        Checkpoints { path, read: Mutex::default(), failed: AtomicBool::new(false) }
    }

    /// Adds a line if a chain has grown, and remembers whether that could be done.
    pub(super) async fn append(&self, app: &App) -> Result<()> {
        let done = self.grow(app).await;
        self.failed.store(done.is_err(), Ordering::Relaxed);
        done
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// One instance at a time; the turn lasts until the line is on the disk.
    async fn grow(&self, app: &App) -> Result<()> {
        let mut tx = app.db.service().await?;
        if !store::take_turn(&mut tx).await? {
            return Ok(());
        }
        let mut read = self.read.lock().await;
        let mut file = open(&self.path).map_err(|error| self.unusable(&error))?;
        read.catch_up(&mut file, &app.keys.audit).map_err(|error| self.unusable(&error))?;
        let heads = grown(&read.history, store::heads(&mut tx).await?)?;
        if heads.is_empty() {
            return Ok(());
        }
        let unchained = match read.history.number {
            0 => Some(store::count_unchained(&mut tx).await?),
            _ => None,
        };
        let checkpoint = next(app, &read.history, heads, unchained);
        let line = checkpoint.sign(app.keys.audit.signing()).map_err(Error::internal)?;
        write(&mut file, &line).map_err(|error| self.unusable(&error))?;
        read.bytes += line.len() as u64 + 1;
        read.history.follow(&line, &checkpoint);
        tx.commit().await?;
        Ok(())
    }

    /// How many records of a user the newest checkpoint covers, and which one that is.
    pub(super) async fn covered(&self, user: Uuid) -> (i64, Option<Signed>) {
        let history = &self.read.lock().await.history;
        let own = history.heads.iter().filter(|((owner, _), _)| *owner == user);
        let covered = own.map(|(_, head)| head.seq).sum();
        (covered, history.at.map(|at| Signed { number: history.number, at }))
    }

    fn unusable(&self, error: &io::Error) -> Error {
        Error::internal(format!("{}: {error}", self.path.display()))
    }
}

fn next(app: &App, history: &History, heads: Vec<Mark>, unchained: Option<i64>) -> Checkpoint {
    let mut all = history.heads.clone();
    all.extend(heads.iter().map(|mark| ((mark.user, mark.log), Head { seq: mark.seq, mac: mark.mac.0 })));
    Checkpoint {
        number: history.number + 1,
        at: app.clock.now(),
        heads,
        unchained,
        root: root(&all),
        previous: history.last,
        key: app.keys.audit.signing().id().to_owned(),
    }
}

/// What is new. A database that is behind its checkpoints gets no new one: that would be the way to have a roll-back
/// forgotten.
fn grown(history: &History, heads: Vec<(Uuid, Log, Head)>) -> Result<Vec<Mark>> {
    let there: BTreeSet<(Uuid, Log)> = heads.iter().map(|(user, log, _)| (*user, *log)).collect();
    if let Some((user, log)) = history.heads.keys().find(|place| !there.contains(place)) {
        let what = format!("the {} of user {user} is gone; see `keygate audit verify`", log.name());
        return Err(Error::internal(what));
    }
    let mut marks = Vec::new();
    for (user, log, head) in heads {
        match history.heads.get(&(user, log)) {
            Some(old) if *old == head => {}
            Some(old) if old.seq >= head.seq => {
                return Err(Error::internal(format!(
                    "the {} of user {user} is at record {}, and a checkpoint was made at {}; see `keygate audit verify`",
                    log.name(),
                    head.seq,
                    old.seq
                )));
            }
            _ => marks.push(Mark { user, log, seq: head.seq, mac: Hash(head.mac) }),
        }
    }
    marks.sort_by_key(|mark| (mark.user, mark.log));
    Ok(marks)
}

impl ReadSoFar {
    /// Reads what was added since, and cuts off what is no whole line.
    fn catch_up(&mut self, file: &mut File, keys: &Keys) -> io::Result<()> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        if file.metadata()?.len() < self.bytes {
            return Err(wrong("it has become shorter"));
        }
        file.seek(SeekFrom::Start(self.bytes))?;
        let mut added = Vec::new();
        file.read_to_end(&mut added)?;
        let end = self.bytes + added.len() as u64;
        for line in lines(&added) {
            self.history
                .read(line, keys)
                .map_err(|error| wrong(&format!("line {}: {error}", self.history.number + 1)))?;
            self.bytes += line.len() as u64 + 1;
        }
        if self.bytes < end {
            tracing::warn!("the last checkpoint was not written to its end and is cut off");
            file.set_len(self.bytes)?;
        }
        file.seek(SeekFrom::Start(self.bytes)).map(drop)
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let new = !path.exists();
    let file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
    if let Some(dir) = path.parent().filter(|_| new) {
        File::open(dir)?.sync_all()?;
    }
    Ok(file)
}

fn write(file: &mut File, line: &str) -> io::Result<()> {
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()
}
