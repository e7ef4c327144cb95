//! The queue of records that may be a moment late, and the task that writes them in batches.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use time::OffsetDateTime;
use tokio::{
    sync::{
        mpsc::{
            self,
            error::{SendError, TrySendError},
        },
        oneshot,
    },
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use super::{Line, Used, store};
use crate::{
    app::App,
    risk::{self, Alarm},
};

/// The sending end; cheap to clone.
#[derive(Clone)]
pub struct Queue {
    sender: mpsc::Sender<Item>,
}

/// A place in the queue, kept for one line: whoever holds it can leave the line without waiting.
pub struct Room<'q>(mpsc::Permit<'q, Item>);

/// The writing end; run it in a task.
pub struct Writer {
    receiver: mpsc::Receiver<Item>,
    touched: Touched,
    used: Unwritten,
}

#[expect(clippy::large_enum_variant, reason = "nearly every item is a line; a box for each costs more")]
enum Item {
    Line(Line, Option<Used>),
    /// The line is elsewhere.
    Used(Uuid, Used),
    /// Bait was used: the line, and what its owner is told.
    Bait(Box<(Line, Alarm)>),
    /// Write everything before this and say so.
    Flush(oneshot::Sender<()>),
}

/// What a batch holds of one user.
#[derive(Default)]
pub struct Lines {
    pub lines: Vec<Line>,
    pub used: Vec<Used>,
}

pub fn queue() -> (Queue, Writer) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    (Queue { sender }, Writer { receiver, touched: Touched::default(), used: Unwritten::default() })
}

impl Queue {
    /// Queues a line. When the queue is full the caller waits for room and so slows down; nothing is dropped.
    pub async fn push(&self, app: &App, line: Line, used: Option<Used>) {
        match self.room().await {
            Some(room) => room.fill(line, used),
            None => Box::pin(write(app, line.user, Lines::one(line, used))).await,
        }
    }

    /// Queues a line for which nobody waits.
    pub fn push_later(&self, line: Line) {
        if let Err(TrySendError::Full(item)) = self.sender.try_send(Item::Line(line, None)) {
            let sender = self.sender.clone();
            tokio::spawn(async move { sender.send(item).await.unwrap_or_default() });
        }
    }

    /// Queues a line and an alarm about it.
    pub async fn push_alarm(&self, app: &App, line: Line, alarm: Alarm) {
        if let Err(SendError(Item::Bait(own))) = self.sender.send(Item::Bait(Box::new((line, alarm)))).await {
            let (line, alarm) = *own;
            write(app, line.user, Lines::one(line, None)).await;
            raise(app, &alarm).await;
        }
    }

    /// Brings times of last use up to date. An order does not wait for it: a full queue has more important things to
    /// write.
    pub fn touch(&self, user: Uuid, used: Used) {
        let _ = self.sender.try_send(Item::Used(user, used));
    }

    /// Waits for room for one line. `None`: nobody writes any more.
    pub async fn room(&self) -> Option<Room<'_>> {
        self.sender.reserve().await.ok().map(Room)
    }

    /// Waits until everything queued so far is written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.sender.send(Item::Flush(done)).await.is_ok() {
            let _ = written.await;
        }
    }
}

impl Room<'_> {
    pub fn fill(self, line: Line, used: Option<Used>) {
        self.0.send(Item::Line(line, used));
    }
}

impl Writer {
    /// Writes until every sender is gone, and then what is left.
    pub async fn run(mut self, app: Arc<App>) {
        let (mut items, mut open) = (Vec::with_capacity(BATCH), true);
        while open {
            open = self.next(&mut items).await;
            // Nobody waits for an item meanwhile, so that a line wakes no task: a batch does.
            if open && items.len() < BATCH {
                tokio::time::sleep(GATHER).await;
            }
            while items.len() < BATCH
                && let Ok(item) = self.receiver.try_recv()
            {
                items.push(item);
            }
            self.settle(&app, &mut items, !open).await;
        }
    }

    /// Waits for items, or until times of last use have to be written. False: every sender is gone.
    async fn next(&mut self, items: &mut Vec<Item>) -> bool {
        let received = self.receiver.recv_many(items, BATCH);
        match self.used.due {
            None => received.await > 0,
            Some(due) => !matches!(timeout_at(due, received).await, Ok(0)),
        }
    }

    async fn settle(&mut self, app: &App, items: &mut Vec<Item>, is_last: bool) {
        let (mut batch, mut waiting, mut alarms) = (BTreeMap::<Uuid, Lines>::new(), Vec::new(), Vec::new());
        let now = app.clock.now();
        let mut use_of = |user, used: Used| {
            if let Some(most) = self.touched.wait(&used, now) {
                self.used.push(user, used, most);
            }
        };
        for item in items.drain(..) {
            match item {
                Item::Line(line, used) => {
                    used.into_iter().for_each(|used| use_of(line.user, used));
                    batch.entry(line.user).or_default().lines.push(line);
                }
                Item::Bait(own) => {
                    let (line, alarm) = *own;
                    batch.entry(line.user).or_default().lines.push(line);
                    alarms.push(alarm);
                }
                Item::Used(user, used) => use_of(user, used),
                Item::Flush(done) => waiting.push(done),
            }
        }
        if is_last || !waiting.is_empty() || self.used.due.is_some_and(|due| due <= Instant::now()) {
            self.used.drain().for_each(|(user, used)| batch.entry(user).or_default().used.push(used));
        }
        if let Err(error) = store::append(app, &batch).await {
            tracing::debug!(%error, "a batch of records is written again, user by user");
            for (user, lines) in batch {
                write(app, user, lines).await;
            }
        }
        for alarm in alarms {
            raise(app, &alarm).await;
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
}

async fn raise(app: &App, alarm: &Alarm) {
    if let Err(error) = risk::taken(app, alarm).await {
        tracing::error!(%error, "an alert could not be raised");
    }
}

/// Tries for a while: a database that restarts must not cost records. What it does not take at all is found by halving, so
/// that it costs no other records and no time.
async fn write(app: &App, user: Uuid, lines: Lines) {
    let count = lines.lines.len();
    let mut own = BTreeMap::from([(user, lines)]);
    for pause in [0, 100, 400, 1000, 3000] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        match store::append(app, &own).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(%error, %user, lines = count, "records could not be written");
                if !error.may_pass()
                    && let Some((one, other)) = own.remove(&user).and_then(Lines::halves)
                {
                    Box::pin(write(app, user, one)).await;
                    return Box::pin(write(app, user, other)).await;
                }
                if own.is_empty() {
                    break;
                }
            }
        }
    }
    tracing::error!(%user, lines = count, "records of reads were lost: the database does not take them");
}

impl Lines {
    /// Nothing, if there is but one.
    fn halves(mut self) -> Option<(Lines, Lines)> {
        let rest = self.lines.split_off(self.lines.len() / 2);
        (!self.lines.is_empty()).then_some((Lines { lines: rest, used: Vec::new() }, self))
    }

    fn one(line: Line, used: Option<Used>) -> Lines {
        Lines { lines: vec![line], used: used.into_iter().collect() }
    }
}

/// When the times of last use of each access key were written: they are exact to a second.
#[derive(Default)]
struct Touched(HashMap<Uuid, OffsetDateTime>);

impl Touched {
    /// How long a use may wait to be written; `None`: one was written just now. The first one does not wait: with it
    /// limits begin to be raised only later.
    fn wait(&mut self, used: &Used, at: OffsetDateTime) -> Option<Duration> {
        let recent = |last: &OffsetDateTime| (at - *last).abs() < TOUCH_EVERY;
        if self.0.get(&used.access_key).is_some_and(recent) {
            return None;
        }
        if self.0.len() >= MOST_TOUCHED {
            self.0.retain(|_, last| recent(last));
        }
        let is_first = self.0.insert(used.access_key, at).is_none();
        Some(if is_first { Duration::ZERO } else { TOUCH_WITHIN })
    }
}

/// Times of last use that are to be written: together, since each costs a user three updates.
#[derive(Default)]
struct Unwritten {
    due: Option<Instant>,
    used: Vec<(Uuid, Used)>,
}

impl Unwritten {
    fn push(&mut self, user: Uuid, used: Used, most: Duration) {
        let due = Instant::now() + most;
        self.due = Some(self.due.map_or(due, |own| own.min(due)));
        self.used.push((user, used));
    }

    fn drain(&mut self) -> impl Iterator<Item = (Uuid, Used)> {
        self.due = None;
        self.used.drain(..)
    }
}

const CAPACITY: usize = 8192;
/// Orders of a user wait while a transaction holds the ends of the user's chains, so it is never long.
const BATCH: usize = 512;
const GATHER: Duration = Duration::from_millis(20);
const TOUCH_EVERY: time::Duration = time::Duration::SECOND;
/// So long they come together.
const TOUCH_WITHIN: Duration = Duration::from_millis(250);
const MOST_TOUCHED: usize = 10_000;
