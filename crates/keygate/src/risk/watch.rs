//! What this instance remembers of the keys in use. A call of a familiar caller is judged from memory; only one that is new, or
//! the first since the start, looks into the database. Replicas share what is stored, and may differ for a moment.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Look, Use, device::fingerprint, geo::Geo, history::History, known::Origin, pace::Hour, score::Score,
    store,
};
use crate::{app::App, auth::Client, config::GeoIp, error::Result};

pub struct Watch {
    pub geo: Geo,
    histories: RwLock<HashMap<Uuid, Arc<Mutex<History>>>>,
}

impl Watch {
    pub fn new(config: &GeoIp) -> Watch {
        Watch { geo: Geo::new(config), histories: RwLock::default() }
    }

    /// Scores a call, before anything is decided about it.
    pub async fn look(&self, app: &App, used: &Use<'_>) -> Result<Look> {
        let history = self.of(used);
        let generation = self.geo.generation();
        if let Some(look) = lock(&history).familiar(used, generation) {
            return Ok(look);
        }
        // Boxed, so that a call of a familiar caller does not carry the size of it.
        Box::pin(self.look_closely(app, used, &history)).await
    }

    async fn look_closely(&self, app: &App, used: &Use<'_>, history: &Mutex<History>) -> Result<Look> {
        let place = self.geo.locate(used.client.ip);
        let origin =
            Origin { address: used.client.ip, device: device(app, used.client), act: used.act, place };
        if lock(history).must_read(&origin, used.at) {
            let stored = store::load(app, used.user, used.access_key, used.at).await?;
            lock(history).read(stored, used.at);
        }
        let is_far = self.is_far(lock(history).last(), &origin, used.at);
        Ok(lock(history).judge(origin, is_far, used))
    }

    /// Whether nobody can have come there from where the key was used last.
    fn is_far(
        &self,
        last: Option<(std::net::IpAddr, OffsetDateTime)>,
        origin: &Origin,
        at: OffsetDateTime,
    ) -> bool {
        let there = last.and_then(|(ip, then)| Some((self.geo.locate(ip).point?, then)));
        let Some((here, (there, then))) = origin.place.point.zip(there) else { return false };
        here.is_out_of_reach(there, (at - then).as_seconds_f64())
    }

    /// The call was let through: what is new about it is remembered, here and for the other instances.
    pub async fn learn(&self, app: &App, used: &Use<'_>, look: &Look) -> Result<()> {
        let Some(news) = &look.unfamiliar else { return Ok(()) };
        if !news.unknown.is_empty() {
            Box::pin(store::remember(app, used.user, used.access_key, &news.unknown, used.at)).await?;
        }
        lock(&self.of(used)).learn(used, look, news, self.geo.generation());
        Ok(())
    }

    pub fn denied(&self, used: &Use<'_>) {
        lock(&self.of(used)).denied(used.at, used.is_proven);
    }

    /// Whether a suspicious call is worth an alarm of its own.
    pub fn is_news(&self, used: &Use<'_>, score: Score) -> bool {
        lock(&self.of(used)).is_news(score, used.at)
    }

    /// Something about the keys of a user, or of everybody, may be different now.
    pub fn doubt(&self, user: Option<Uuid>) {
        let all = self.histories.read().unwrap_or_else(PoisonError::into_inner);
        let theirs = all.values().map(|own| lock(own)).filter(|own| user.is_none_or(|user| own.user == user));
        theirs.for_each(|mut own| own.doubt());
    }

    /// Stores what was counted, and reads what all instances have counted.
    pub async fn keep_pace(&self, app: &App) -> Result<()> {
        let now = app.clock.now();
        let mut unsaved: BTreeMap<Uuid, Vec<(Uuid, Hour)>> = BTreeMap::new();
        let mut old = Vec::new();
        for (key, history) in self.all() {
            let mut own = lock(&history);
            let hours = own.take_unsaved(now);
            if !hours.is_empty() {
                let theirs = unsaved.entry(own.user).or_default();
                theirs.extend(hours.into_iter().map(|hour| (key, hour)));
            }
            if !own.knows_its_pace(now) {
                old.push((own.user, key, history.clone()));
            }
        }
        store::add_hours(app, &unsaved).await?;
        for (user, key, history) in old {
            let hours = store::hours(app, user, key, now).await?;
            lock(&history).learn_pace(&hours, now);
        }
        Ok(())
    }

    fn all(&self) -> Vec<(Uuid, Arc<Mutex<History>>)> {
        let all = self.histories.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(key, own)| (*key, own.clone())).collect()
    }

    fn of(&self, used: &Use<'_>) -> Arc<Mutex<History>> {
        let known = self.histories.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = known.get(&used.access_key) {
            return own.clone();
        }
        drop(known);
        let mut all = self.histories.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        let new = || Arc::new(Mutex::new(History::new(used.user)));
        all.entry(used.access_key).or_insert_with(new).clone()
    }
}

/// What a client shows of its device, as records hold it.
pub fn device(app: &App, client: &Client) -> String {
    fingerprint(&app.keys.fingerprint, client.agent.as_deref(), client.language.as_deref())
}

fn lock(history: &Mutex<History>) -> MutexGuard<'_, History> {
    history.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Histories are read again when they are needed.
const MOST: usize = 100_000;
