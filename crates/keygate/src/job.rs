//! Background work: a loop that compares what should be with what is. Each task is idempotent, so a crash
//! costs nothing, and one instance at a time runs the shared ones (advisory lock).

use std::{sync::Arc, time::Duration};

use sqlx::postgres::PgListener;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    access_key, app::App, audit, bot, connection, db, error::Result, gateway, idempotency, limits, risk, user,
};

/// Runs until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let listening = tokio::spawn(keep_listening(app.clone()));
    let due = every(EVERY, stop.clone(), || round(&app));
    let checkpoints =
        every(MINUTE, stop.clone(), || async { report("make a checkpoint", audit::checkpoint(&app).await) });
    let sweeping = every(OFTEN, stop.clone(), || async { take_orders_back(&app) });
    // exchanges take their time: nothing waits for them, and what was not asked is asked at the next start
    let asking = every(OFTEN, stop.clone(), || async {
        report("ask what became of calls", gateway::reconcile::round(&app).await);
    });
    let asking = async {
        tokio::select! {
            () = told(&mut stop) => {}
            () = asking => {}
        }
    };
    tokio::join!(due, checkpoints, asking, sweeping);
    listening.abort();
}

/// Does this again and again, with so long between the starts; what has started ends.
async fn every<W: Future<Output = ()>>(
    pause: Duration,
    mut stop: watch::Receiver<bool>,
    mut work: impl FnMut() -> W,
) {
    let mut tick = tokio::time::interval(pause);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = told(&mut stop) => return,
            _ = tick.tick() => work().await,
        }
    }
}

async fn told(stop: &mut watch::Receiver<bool>) {
    // The sender is gone: that is an order to stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// In a task of its own: it takes a while, and goes on where another process ended.
fn take_orders_back(app: &Arc<App>) {
    if app.gate.sweeps.idle() {
        let app = app.clone();
        tokio::spawn(async move { report("take open orders back", gateway::sweep::round(app).await) });
    }
}

/// One round of everything that is due; tests call it directly.
pub async fn round(app: &Arc<App>) {
    report("destroy deleted connections", connection::destroy_due(app).await);
    report("destroy keys nobody completed", connection::own_key::destroy_expired(app).await);
    report("put bots' symbols in force", bot::apply_due(app).await);
    report("put raised limits in force", limits::apply_due(app).await);
    report("tell of keys that end", access_key::announce_ends(app).await);
    app.upstream.close_old();
    report("forget windows that are over", gateway::forget_windows(app).await.map_err(Into::into));
    report("keep the pace of keys", risk::round(app).await);
    report("forget old idempotency keys", idempotency::forget(app).await);
    report("forget what is over of signing in", user::forget_sign_ins(app).await);
    report("forget used signatures", gateway::record::forget_signatures(app).await);
}

fn report(what: &str, outcome: Result<()>) {
    if let Err(error) = outcome {
        tracing::error!(%error, "background work failed: {what}");
    }
}

/// Drops cached accounts when the database says something changed, and vouches for the cache only while
/// such notices are known to arrive.
async fn keep_listening(app: Arc<App>) {
    loop {
        if let Err(error) = listen(&app).await {
            tracing::warn!(%error, "change notices do not arrive; nothing is cached meanwhile");
        }
        forget_all(&app);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn listen(app: &App) -> Result<(), db::Error> {
    let mut listener: PgListener = app.db.listen(db::CHANGED).await?;
    forget_all(app);
    loop {
        app.gate.accounts.heartbeat(app.clock.now_ms());
        match tokio::time::timeout(HEARTBEAT, listener.try_recv()).await {
            // Silence: ask for a sign of life on the very connection the notices come from.
            Err(_) => {
                let alive = sqlx::query("select 1").execute(&mut listener);
                if tokio::time::timeout(HEARTBEAT, alive).await.is_err() {
                    return Err(db::Error::Unavailable);
                }
            }
            Ok(notice) => match notice? {
                Some(notice) => match Uuid::parse_str(notice.payload()) {
                    Ok(user) => forget(app, user),
                    Err(_) => forget_all(app),
                },
                None => return Err(db::Error::Unavailable),
            },
        }
    }
}

fn forget(app: &App, user: Uuid) {
    app.gate.accounts.forget(user);
    app.risk.doubt(Some(user));
}

fn forget_all(app: &App) {
    app.gate.accounts.forget_all();
    app.risk.doubt(None);
}

const EVERY: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_secs(60);
const OFTEN: Duration = Duration::from_secs(5);
const HEARTBEAT: Duration = Duration::from_millis(300);
