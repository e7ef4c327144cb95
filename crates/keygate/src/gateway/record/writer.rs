//! The queue of records that may be a moment late, and the task that writes them in batches.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{Line, Used, store};
use crate::app::App;

/// The sending end; cheap to clone.
#[derive(Clone)]
pub struct Queue {
    sender: mpsc::Sender<Item>,
}

/// The writing end; run it in a task.
pub struct Writer {
    receiver: mpsc::Receiver<Item>,
}

enum Item {
    Line(Box<Line>, Option<Used>),
    /// Write everything before this and say so.
    Flush(oneshot::Sender<()>),
}

pub fn queue() -> (Queue, Writer) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    (Queue { sender }, Writer { receiver })
}

impl Queue {
    /// Queues a line. When the queue is full the caller waits for room and so slows down; nothing is dropped.
    pub async fn push(&self, app: &App, line: Line, used: Option<Used>) {
        let item = Item::Line(Box::new(line), used);
        if let Err(mpsc::error::SendError(Item::Line(line, used))) = self.sender.send(item).await {
            write(app, vec![*line], used.into_iter().collect()).await;
        }
    }

    /// Waits until everything queued so far is written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.sender.send(Item::Flush(done)).await.is_ok() {
            let _ = written.await;
        }
    }
}

impl Writer {
    /// Writes until every sender is gone, and then what is left.
    pub async fn run(mut self, app: Arc<App>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            if self.receiver.recv_many(&mut batch, BATCH).await == 0 {
                return;
            }
            let deadline = tokio::time::sleep(GATHER);
            tokio::pin!(deadline);
            while batch.len() < BATCH && !batch.iter().any(|item| matches!(item, Item::Flush(_))) {
                tokio::select! {
                    item = self.receiver.recv() => match item {
                        Some(item) => batch.push(item),
                        None => break,
                    },
                    () = &mut deadline => break,
                }
            }
            settle(&app, std::mem::take(&mut batch)).await;
        }
    }
}

async fn settle(app: &App, items: Vec<Item>) {
    let (mut lines, mut used, mut waiting) = (Vec::new(), HashSet::new(), Vec::new());
    for item in items {
        match item {
            Item::Line(line, whose) => {
                lines.push(*line);
                used.extend(whose);
            }
            Item::Flush(done) => waiting.push(done),
        }
    }
    // One transaction per user, in a fixed order: the context belongs to one user at a time.
    lines.sort_by_key(|line| (line.user, line.at));
    while !lines.is_empty() {
        let user = lines[0].user;
        let rest = lines.split_off(lines.partition_point(|line| line.user == user));
        let mine: Vec<Uuid> = lines.iter().map(|line| line.access_key).collect();
        let used = used.iter().filter(|whose| mine.contains(&whose.access_key)).copied().collect();
        write(app, std::mem::replace(&mut lines, rest), used).await;
    }
    for done in waiting {
        let _ = done.send(());
    }
}

/// Tries for a while: a database that restarts must not cost records.
async fn write(app: &App, lines: Vec<Line>, used: Vec<Used>) {
    for pause in [0, 100, 400, 1000, 3000] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        match store::append(app, &lines, &used).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, lines = lines.len(), "records could not be written"),
        }
    }
    tracing::error!(lines = lines.len(), "records of reads were lost: the database does not take them");
}

const CAPACITY: usize = 8192;
const BATCH: usize = 1024;
const GATHER: Duration = Duration::from_millis(20);
