//! The writing end: one transaction after the other, and one beside it while it takes long, each for users whom no other one
//! writes for meanwhile.
//!
//! Always holds: what somebody waits for is settled in the order it came, and no two transactions wait for each other.

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
    running: HashMap<task::Id, Running>,
    flushes: Vec<oneshot::Sender<()>>,
}

/// A transaction: which lane it has, whom it writes for, and since when.
struct Running {
    lane: usize,
    users: Vec<Uuid>,
    since: Instant,
}

/// Entries of one user.
struct Waiting {
    /// Somebody waits for these.
    urgent: Vec<Entry>,
    /// And for these nobody does: they come together, so that an order does not pay for what became of another.
    patient: Vec<Entry>,
    /// When the first of the patient ones came.
    since: Instant,
}

impl Writer {
    pub(super) fn new(receiver: mpsc::Receiver<Entry>) -> Writer {
        Writer {
            receiver,
            waiting: BTreeMap::new(),
            lanes: JoinSet::new(),
            running: HashMap::new(),
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
        let all: usize = self.waiting.values().map(Waiting::len).sum();
        let free: usize =
            self.waiting.iter().filter(|(user, _)| !busy.contains(user)).map(|(_, own)| own.len()).sum();
        self.flushes.is_empty() && free < BATCH && all < MOST
    }

    fn busy(&self) -> HashSet<&Uuid> {
        self.running.values().flat_map(|own| &own.users).collect()
    }

    fn sort(&mut self, entry: Entry) {
        let Some(user) = entry.user() else {
            if let Entry::Flush(done) = entry {
                self.flushes.push(done);
            }
            return;
        };
        self.waiting.entry(user).or_insert_with(Waiting::new).push(entry);
    }

    /// Begins a transaction for everything that is due.
    fn start(&mut self, app: &Arc<App>) {
        let now = Instant::now();
        let users = self.due(now);
        let is_taken = |lane: &usize| self.running.values().any(|own| own.lane == *lane);
        let Some(lane) = (0..LANES).find(|lane| !is_taken(lane)) else { return };
        if users.is_empty() || self.turn(now) > now {
            return;
        }
        let batch = users.iter().map(|user| (*user, self.take(*user, now))).collect();
        let app = app.clone();
        let task = self.lanes.spawn(async move { batch::settle(&app, lane, batch).await });
        self.running.insert(task.id(), Running { lane, users, since: now });
    }

    /// When another transaction may begin. Two beside each other share the processors, and fewer calls share a commit: so only
    /// where one takes long.
    fn turn(&self, now: Instant) -> Instant {
        self.running.values().map(|own| own.since + LONG).max().unwrap_or(now)
    }

    /// What is due of a user.
    fn take(&mut self, user: Uuid, now: Instant) -> Vec<Entry> {
        let Some(mut own) = self.waiting.remove(&user) else { return Vec::new() };
        if self.flushes.is_empty() && own.is_early(now) {
            let urgent = mem::take(&mut own.urgent);
            self.waiting.insert(user, own);
            return urgent;
        }
        own.patient.append(&mut own.urgent);
        own.patient
    }

    /// Users with something to write whom nobody writes for, in the order of their ids.
    fn due(&self, now: Instant) -> Vec<Uuid> {
        let busy = self.busy();
        let is_due = |own: &Waiting| !self.flushes.is_empty() || own.due() <= now;
        let due = self.waiting.iter().filter(|(user, own)| !busy.contains(user) && is_due(own));
        due.map(|(user, _)| *user).collect()
    }

    /// When something is due, and a lane is free for it. Who waits for a lane is started when one ends.
    fn next_due(&self) -> Option<Instant> {
        let (busy, turn) = (self.busy(), self.turn(Instant::now()));
        let free = self.waiting.iter().filter(|(user, _)| !busy.contains(user)).map(|(_, own)| own.due());
        free.min().filter(|_| self.running.len() < LANES).map(|due| due.max(turn))
    }

    fn ended(&mut self, ended: Result<(task::Id, ()), JoinError>) {
        let task = ended.map_or_else(|error| error.id(), |(task, ())| task);
        self.running.remove(&task);
    }
}

impl Waiting {
    fn new() -> Waiting {
        Waiting { urgent: Vec::new(), patient: Vec::new(), since: Instant::now() }
    }

    fn push(&mut self, entry: Entry) {
        if !entry.can_wait() {
            return self.urgent.push(entry);
        }
        if self.patient.is_empty() {
            self.since = Instant::now();
        }
        self.patient.push(entry);
    }

    fn len(&self) -> usize {
        self.urgent.len() + self.patient.len()
    }

    /// Whether the patient ones have time.
    fn is_early(&self, now: Instant) -> bool {
        !self.patient.is_empty() && now < self.since + PATIENCE
    }

    fn due(&self) -> Instant {
        if self.urgent.is_empty() { self.since + PATIENCE } else { self.since }
    }
}

/// So long what nobody waits for comes together.
const PATIENCE: Duration = Duration::from_millis(20);
/// Who waits behind a transaction for so long gets one beside it.
const LONG: Duration = Duration::from_millis(10);
const BATCH: usize = 512;
const MOST: usize = 8 * BATCH;
