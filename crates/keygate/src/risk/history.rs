//! One access key as this instance has seen it: what is known of it, how busy it is, how often it was refused.

use std::{collections::VecDeque, net::IpAddr, sync::Arc};

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    Look, Use,
    known::{Act, Known, News, Origin},
    pace::{Hour, Pace},
    score::{Score, Signal},
    store::Stored,
};

pub struct History {
    pub user: Uuid,
    known: Known,
    /// When it was read last; nothing: never, or it may have changed since.
    read_at: Option<OffsetDateTime>,
    /// Where it was used last, and when.
    last: Option<(IpAddr, OffsetDateTime)>,
    pace: Pace,
    pace_read_at: Option<OffsetDateTime>,
    /// When it was refused, and whether the caller had proved to hold the key.
    denials: VecDeque<(OffsetDateTime, bool)>,
    /// Callers all about whom is known.
    familiar: Vec<Familiar>,
    alarmed: Option<(Score, OffsetDateTime)>,
}

/// A caller that was judged and let through: until something changes it is judged the same.
struct Familiar {
    address: IpAddr,
    agent: Option<String>,
    language: Option<String>,
    act: Option<Act>,
    /// Of the files that say where addresses are.
    generation: u64,
    score: Score,
    until: Option<OffsetDateTime>,
    device: Arc<str>,
}

impl History {
    pub fn new(user: Uuid) -> History {
        History {
            user,
            known: Known::default(),
            read_at: None,
            last: None,
            pace: Pace::default(),
            pace_read_at: None,
            denials: VecDeque::new(),
            familiar: Vec::new(),
            alarmed: None,
        }
    }

    /// The score of a caller about whom everything is known, without looking anywhere else.
    pub fn familiar(&mut self, used: &Use<'_>, generation: u64) -> Option<Look> {
        let own = self.familiar.iter().find(|own| own.is(used, generation))?;
        let (score, device) = (own.score, own.device.clone());
        self.seen(used);
        Some(Look { score: score.and(self.circumstances(used)), device, unfamiliar: None })
    }

    /// Whether what is stored may say more about this caller than what is known here.
    pub fn must_read(&self, origin: &Origin, at: OffsetDateTime) -> bool {
        match self.read_at {
            None => true,
            Some(read_at) => !self.known.has(origin) && (at - read_at).abs() >= READ_AGAIN,
        }
    }

    pub fn read(&mut self, stored: Stored, at: OffsetDateTime) {
        self.known = Known::of(stored.traits);
        // what is stored is a moment late
        let later = |own: &(IpAddr, OffsetDateTime)| self.last.is_none_or(|last| last.1 < own.1);
        self.last = stored.last.filter(later).or(self.last);
        // whoever vouches for a call vouches for what was refused before it
        self.denials
            .retain(|(denied_at, _)| stored.vouched_at.is_none_or(|vouched_at| *denied_at > vouched_at));
        self.read_at = Some(at);
        self.familiar.clear();
        self.pace.learn(&stored.hours, at);
        self.pace_read_at = Some(at);
    }

    pub fn judge(&mut self, origin: Origin, is_far: bool, used: &Use<'_>) -> Look {
        let news = self.known.judge(&origin, is_far, used.at);
        let score = news.score.and(self.circumstances(used));
        Look { score, device: origin.device.as_str().into(), unfamiliar: Some(Box::new(news)) }
    }

    /// The call was let through: who makes it is known from now on.
    pub fn learn(&mut self, used: &Use<'_>, look: &Look, news: &News, generation: u64) {
        self.known.learn(news.unknown.iter().cloned());
        self.seen(used);
        let until = news.unknown.iter().map(|own| own.news_until).filter(|until| *until > used.at);
        self.familiar.retain(|own| !own.is_same(used));
        self.familiar.truncate(MOST_FAMILIAR - 1);
        self.familiar.insert(
            0,
            Familiar {
                address: used.client.ip,
                agent: used.client.agent.clone(),
                language: used.client.language.clone(),
                act: used.act,
                generation,
                score: news.score,
                until: until.chain(news.until).min(),
                device: look.device.clone(),
            },
        );
    }

    pub fn last(&self) -> Option<(IpAddr, OffsetDateTime)> {
        self.last
    }

    fn seen(&mut self, used: &Use<'_>) {
        if used.is_proven {
            self.last = Some((used.client.ip, used.at));
        }
    }

    pub fn denied(&mut self, at: OffsetDateTime, proven: bool) {
        if self.denials.len() == MOST_DENIALS {
            self.denials.pop_front();
        }
        self.denials.push_back((at, proven));
    }

    /// Whether this is worth an alarm: it says more than the last one, or that was long ago.
    pub fn is_news(&mut self, score: Score, at: OffsetDateTime) -> bool {
        let known = self.alarmed.filter(|(_, since)| (at - *since).abs() < ALARM_AGAIN);
        let is_news = known.is_none_or(|(known, _)| score.exceeds(known));
        if is_news {
            self.alarmed = Some((known.map_or(score, |(known, _)| known.and(score)), at));
        }
        is_news
    }

    /// Another instance, or its owner, may have changed what is stored.
    pub fn doubt(&mut self) {
        self.read_at = None;
        self.familiar.clear();
    }

    pub fn take_unsaved(&mut self, now: OffsetDateTime) -> Vec<Hour> {
        self.pace.take_unsaved(now)
    }

    pub fn knows_its_pace(&self, now: OffsetDateTime) -> bool {
        self.pace_read_at.is_none_or(|at| now - at < PACE_AGAIN)
    }

    pub fn learn_pace(&mut self, hours: &[Hour], now: OffsetDateTime) {
        self.pace.learn(hours, now);
        self.pace_read_at = Some(now);
    }

    /// What is not about who calls. Calls that nobody proved to have made are not counted: whoever has heard of a key could
    /// make it look busy.
    fn circumstances(&mut self, used: &Use<'_>) -> Score {
        let calls = if used.is_proven { self.pace.count(used.at) } else { 0 };
        let recent = |(at, proven): &&(OffsetDateTime, bool)| {
            (used.at - *at).abs() < DENIALS_WITHIN && (*proven || !used.is_proven)
        };
        let signals = [
            (Signal::Burst, self.pace.is_burst(calls)),
            (Signal::OffHours, self.pace.is_off_hours(used.at)),
            (Signal::Denials, self.denials.iter().filter(recent).count() >= MANY_DENIALS),
            (Signal::DeadKey, used.is_dead),
        ];
        signals.into_iter().filter_map(|(signal, holds)| holds.then_some(signal)).collect()
    }
}

impl Familiar {
    fn is(&self, used: &Use<'_>, generation: u64) -> bool {
        self.is_same(used) && self.generation == generation && self.until.is_none_or(|until| used.at < until)
    }

    fn is_same(&self, used: &Use<'_>) -> bool {
        let client = used.client;
        self.address == client.ip
            && self.agent == client.agent
            && self.language == client.language
            && self.act == used.act
    }
}

const READ_AGAIN: Duration = Duration::SECOND;
const PACE_AGAIN: Duration = Duration::HOUR;
const ALARM_AGAIN: Duration = Duration::HOUR;
const DENIALS_WITHIN: Duration = Duration::minutes(5);
const MANY_DENIALS: usize = 5;
const MOST_DENIALS: usize = 32;
const MOST_FAMILIAR: usize = 16;

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::auth::Client;

    const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

    fn used(client: &Client, at: OffsetDateTime, is_proven: bool) -> Use<'_> {
        Use { access_key: Uuid::nil(), user: Uuid::nil(), client, at, act: None, is_dead: false, is_proven }
    }

    fn client() -> Client {
        Client { ip: [192, 0, 2, 1].into(), agent: None, language: None }
    }

    fn denials(own: &mut History, used: &Use<'_>) -> bool {
        own.circumstances(used).has(Signal::Denials)
    }

    #[test]
    fn five_denials_in_five_minutes_are_many() {
        let (client, mut history) = (client(), History::new(Uuid::nil()));
        for second in 0..5 {
            assert!(!denials(&mut history, &used(&client, NOW, true)));
            history.denied(NOW + Duration::seconds(second), true);
        }
        assert!(denials(&mut history, &used(&client, NOW + Duration::seconds(299), true)));
        assert!(!denials(&mut history, &used(&client, NOW + Duration::seconds(300), true)));
    }

    /// Whoever has heard of a key, and no more, cannot make its calls suspicious.
    #[test]
    fn what_strangers_do_is_not_held_against_who_has_the_key() {
        let (client, mut history) = (client(), History::new(Uuid::nil()));
        (0..20).for_each(|_| history.denied(NOW, false));
        assert!(!denials(&mut history, &used(&client, NOW, true)));
        assert!(denials(&mut history, &used(&client, NOW, false)));
        for _ in 0..100 {
            history.circumstances(&used(&client, NOW, false));
        }
        let hours = history.take_unsaved(NOW + Duration::HOUR);
        assert_eq!(hours.iter().map(|hour| hour.calls).sum::<u32>(), 1, "the one that was proven");
    }

    #[test]
    fn same_alarm_is_raised_once_an_hour_and_a_worse_one_at_once() {
        let mut history = History::new(Uuid::nil());
        let (new, worse) =
            (Score::default().with(Signal::Denials), Score::default().with(Signal::ImpossibleTravel));
        assert!(history.is_news(new, NOW));
        assert!(!history.is_news(new, NOW + Duration::minutes(59)));
        assert!(history.is_news(worse, NOW + Duration::minutes(59)));
        assert!(!history.is_news(new.and(worse), NOW + Duration::minutes(60)));
        assert!(history.is_news(new, NOW + Duration::minutes(120)));
    }
}
