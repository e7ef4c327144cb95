//! The writing end: two transactions beside each other, each for users whom no other one writes for meanwhile.
//!
//! Always holds: the entries of a user are settled in the order they came, and no two transactions wait for each other.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    mem,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    task::{self, JoinError, JoinSet},
    time::{Instant, sleep_until},
};
use uuid::Uuid;

use super::{Entry, batch};
use crate::{app::App, db::LANES};

/// Run it in a task.
pub struct Writer {
    receiver: mpsc::Receiver<Entry>,
    waiting: BTreeMap<Uuid, Waiting>,
    /// Transactions under way.
    lanes: JoinSet<()>,
    /// Which lane each of them has, and whom it writes for.
    users: HashMap<task::Id, (usize, Vec<Uuid>)>,
    flushes: Vec<oneshot::Sender<()>>,
}

/// Entries of one user.
struct Waiting {
    since: Instant,
    entries: Vec<Entry>,
}

impl Writer {
    pub(super) fn new(receiver: mpsc::Receiver<Entry>) -> Writer {
        Writer {
            receiver,
            waiting: BTreeMap::new(),
            lanes: JoinSet::new(),
            users: HashMap::new(),
            flushes: Vec::new(),
        }
    }

    /// Writes until every sender is gone, and then what is left. While the lanes are busy entries gather: the busier it
    /// is, the more calls share a commit.
    pub async fn run(mut self, app: Arc<App>) {
        let (mut open, mut entries) = (true, Vec::with_capacity(BATCH));
        while open || !self.is_idle() {
            let due = self.next_due();
            tokio::select! {
                count = self.receiver.recv_many(&mut entries, BATCH), if open && self.accepts() => open = count > 0,
                Some(ended) = self.lanes.join_next_with_id() => self.ended(ended),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
            entries.drain(..).for_each(|entry| self.sort(entry));
            self.start(&app);
            if self.is_idle() {
                // who asked may have gone away
                mem::take(&mut self.flushes).into_iter().for_each(|done| done.send(()).unwrap_or_default());
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.lanes.is_empty()
    }

    /// What comes after a flush waits for it, or it might never end. One whose transaction takes long is in nobody's way.
    fn accepts(&self) -> bool {
        let busy = self.busy();
        let of = |own: &Waiting| own.entries.len();
        let all: usize = self.waiting.values().map(of).sum();
        let free: usize =
            self.waiting.iter().filter(|(user, _)| !busy.contains(user)).map(|(_, own)| of(own)).sum();
        self.flushes.is_empty() && free < BATCH && all < MOST
    }

    fn busy(&self) -> HashSet<&Uuid> {
        self.users.values().flat_map(|(_, own)| own).collect()
    }

    fn sort(&mut self, entry: Entry) {
        let Some(user) = entry.user() else {
            if let Entry::Flush(done) = entry {
                self.flushes.push(done);
            }
            return;
        };
        let fresh = || Waiting { since: Instant::now(), entries: Vec::new() };
        self.waiting.entry(user).or_insert_with(fresh).entries.push(entry);
    }

    /// Fills the lanes that are free with what is due.
    fn start(&mut self, app: &Arc<App>) {
        let mut users = self.due();
        while !users.is_empty() && self.lanes.len() < LANES {
            let share = users.len().div_ceil(LANES - self.lanes.len());
            let own: Vec<Uuid> = users.drain(..share).collect();
            let entries = |user: &Uuid| Some((*user, self.waiting.remove(user)?.entries));
            let (app, batch) = (app.clone(), own.iter().filter_map(entries).collect());
            let lane =
                (0..LANES).find(|lane| self.users.values().all(|(taken, _)| taken != lane)).unwrap_or(0);
            let task = self.lanes.spawn(async move { batch::settle(&app, lane, batch).await });
            self.users.insert(task.id(), (lane, own));
        }
    }

    /// Users with something to write whom nobody writes for, in the order of their ids.
    fn due(&self) -> Vec<Uuid> {
        let (busy, now) = (self.busy(), Instant::now());
        let is_due = |own: &Waiting| !self.flushes.is_empty() || own.due() <= now;
        let due = self.waiting.iter().filter(|(user, own)| !busy.contains(user) && is_due(own));
        due.map(|(user, _)| *user).collect()
    }

    /// When something is due. Who waits for a lane is started when one ends.
    fn next_due(&self) -> Option<Instant> {
        let busy = self.busy();
        let free = self.waiting.iter().filter(|(user, _)| !busy.contains(user)).map(|(_, own)| own.due());
        free.min().filter(|_| self.lanes.len() < LANES)
    }

    fn ended(&mut self, ended: Result<(task::Id, ()), JoinError>) {
        let task = ended.map_or_else(|error| error.id(), |(task, ())| task);
        self.users.remove(&task);
    }
}

impl Waiting {
    /// What nobody waits for is no reason for a transaction: whoever comes meanwhile would have to wait for it, and can
    /// take it along.
    fn due(&self) -> Instant {
        match self.entries.iter().all(Entry::can_wait) {
            true => self.since + PATIENCE,
            false => self.since,
        }
    }
}

/// So long it waits for something else to be written.
const PATIENCE: Duration = Duration::from_millis(30);
const BATCH: usize = 512;
const MOST: usize = 8 * BATCH;
