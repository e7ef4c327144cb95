//! What an access key was seen with, and what of a call is new to it. No clock and no database: what is known is given, what is
//! to be remembered comes back.

use std::collections::HashMap;

use time::{Duration, OffsetDateTime};

use super::{
    place::{Place, neighbourhood, subscriber},
    score::{Score, Signal},
};

/// One kind of thing a key is seen with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Address,
    Network,
    Operator,
    Country,
    Device,
    /// What it does beside reading and trading.
    Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Withdrawal,
    Transfer,
}

/// What a call is seen with.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    pub address: std::net::IpAddr,
    pub place: Place,
    pub device: String,
    pub act: Option<Act>,
}

/// Something a key was seen with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trait {
    pub kind: Kind,
    pub value: String,
    pub news_until: OffsetDateTime,
    pub is_far: bool,
}

/// Everything one key was seen with.
#[derive(Default)]
pub struct Known(HashMap<(Kind, String), (OffsetDateTime, bool)>);

/// What is new about a call.
#[derive(Debug, Default, PartialEq)]
pub struct News {
    pub score: Score,
    /// To be remembered, if the call is let through.
    pub unknown: Vec<Trait>,
    /// Until when it is the same score.
    pub until: Option<OffsetDateTime>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Known,
    /// The first of its kind: how the key is used, and no news.
    First,
    /// Of this hour.
    News,
}

impl Known {
    pub fn of(traits: impl IntoIterator<Item = Trait>) -> Known {
        let mut known = Known::default();
        known.learn(traits);
        known
    }

    pub fn learn(&mut self, traits: impl IntoIterator<Item = Trait>) {
        let traits = traits.into_iter();
        self.0.extend(traits.map(|own| ((own.kind, own.value), (own.news_until, own.is_far))));
    }

    /// Whether it was seen with all of this.
    pub fn has(&self, origin: &Origin) -> bool {
        origin.traits().into_iter().all(|own| self.0.contains_key(&own))
    }

    /// What is new about a call from there. `is_far`: nobody can have come there from where the key was used last.
    pub fn judge(&self, origin: &Origin, is_far: bool, at: OffsetDateTime) -> News {
        let mut news = News::default();
        let mut states = HashMap::new();
        for (kind, value) in origin.traits() {
            let state = self.state(kind, &value, at);
            states.insert(kind, state);
            match self.0.get(&(kind, value.clone())) {
                Some((until, _)) if state == State::News => {
                    news.until = Some(news.until.map_or(*until, |first| first.min(*until)));
                }
                Some(_) => {}
                None => news.unknown.push(self.unknown(kind, value, state, is_far, at)),
            }
        }
        let is_news = |kind| states.get(&kind) == Some(&State::News);
        let elsewhere = is_news(Kind::Network) && states.get(&Kind::Operator) != Some(&State::Known);
        let known_as_far = self.0.get(&(Kind::Network, neighbourhood(origin.address)));
        let far = is_news(Kind::Network) && known_as_far.map_or(is_far, |(_, is_far)| *is_far);
        let signals = [
            (Signal::NewAddress, is_news(Kind::Address)),
            (Signal::NewNetwork, elsewhere),
            (Signal::NewCountry, is_news(Kind::Country)),
            (Signal::NewDevice, is_news(Kind::Device)),
            (Signal::ImpossibleTravel, far),
            (Signal::FirstWithdrawal, is_news(Kind::Act) && origin.act == Some(Act::Withdrawal)),
            (Signal::FirstTransfer, is_news(Kind::Act) && origin.act == Some(Act::Transfer)),
            (Signal::Anonymiser, origin.place.is_anonymous),
        ];
        news.score = signals.into_iter().filter_map(|(signal, holds)| holds.then_some(signal)).collect();
        news
    }

    fn state(&self, kind: Kind, value: &str, at: OffsetDateTime) -> State {
        let is_first = || kind != Kind::Act && !self.0.keys().any(|(own, _)| *own == kind);
        match self.0.get(&(kind, value.to_owned())) {
            Some((until, _)) if at < *until => State::News,
            Some(_) => State::Known,
            None if is_first() => State::First,
            None => State::News,
        }
    }

    fn unknown(&self, kind: Kind, value: String, state: State, is_far: bool, at: OffsetDateTime) -> Trait {
        let news_until = if state == State::First { at } else { at + NEWS };
        Trait { kind, value, news_until, is_far: is_far && kind == Kind::Network && state == State::News }
    }
}

impl Origin {
    fn traits(&self) -> Vec<(Kind, String)> {
        let place = &self.place;
        let act = self.act.map(|act| act.name().to_owned());
        let traits = [
            (Kind::Address, Some(subscriber(self.address))),
            (Kind::Network, Some(neighbourhood(self.address))),
            (Kind::Operator, place.operator.map(|number| number.to_string())),
            (Kind::Country, place.country.clone()),
            (Kind::Device, Some(self.device.clone())),
            (Kind::Act, act),
        ];
        traits.into_iter().filter_map(|(kind, value)| Some((kind, value?))).collect()
    }
}

impl Act {
    fn name(self) -> &'static str {
        match self {
            Act::Withdrawal => "withdrawal",
            Act::Transfer => "transfer",
        }
    }
}

impl Kind {
    const ALL: [Kind; 6] =
        [Kind::Address, Kind::Network, Kind::Operator, Kind::Country, Kind::Device, Kind::Act];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Address => "address",
            Kind::Network => "network",
            Kind::Operator => "operator",
            Kind::Country => "country",
            Kind::Device => "device",
            Kind::Act => "act",
        }
    }

    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a thief does first is little; what they do next counts together with it.
const NEWS: Duration = Duration::HOUR;

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

    fn origin(address: &str, country: Option<&str>, operator: Option<u32>, device: &str) -> Origin {
        let place = Place { country: country.map(str::to_owned), operator, ..Place::default() };
        Origin { address: address.parse().unwrap(), place, device: device.to_owned(), act: None }
    }

    fn home() -> Origin {
        origin("192.0.2.7", Some("DE"), Some(64500), "bot")
    }

    /// A key that was used at home for long.
    fn settled() -> Known {
        let mut known = Known::default();
        known.learn(known.judge(&home(), false, NOW - Duration::days(30)).unknown);
        known
    }

    fn signals(known: &Known, origin: &Origin) -> Vec<Signal> {
        known.judge(origin, false, NOW).score.signals().collect()
    }

    #[test]
    fn first_of_everything_is_how_a_key_is_used_and_no_news() {
        let mut known = Known::default();
        let first = known.judge(&home(), true, NOW);
        assert_eq!(first.score, Score::default());
        known.learn(first.unknown);
        assert_eq!(known.judge(&home(), false, NOW), News::default());
    }

    #[test]
    fn whoever_has_one_address_of_a_home_network_has_them_all() {
        let at = |address: &str| Origin { address: address.parse().unwrap(), ..home() };
        let known = Known::of(Known::default().judge(&at("2001:db8:1:2::7"), false, NOW).unknown);
        assert_eq!(signals(&known, &at("2001:db8:1:2:ffff::1")), []);
        assert_eq!(signals(&known, &at("2001:db8:1:3::7")), [Signal::NewAddress]);
    }

    #[test]
    fn each_thing_that_is_new_is_a_signal_of_its_own() {
        let known = settled();
        assert_eq!(signals(&known, &home()), []);
        let same_network = origin("192.0.2.99", Some("DE"), Some(64500), "bot");
        assert_eq!(signals(&known, &same_network), [Signal::NewAddress]);
        let same_operator = origin("203.0.113.1", Some("DE"), Some(64500), "bot");
        assert_eq!(signals(&known, &same_operator), [Signal::NewAddress]);
        let elsewhere = origin("203.0.113.1", Some("DE"), Some(64501), "bot");
        assert_eq!(signals(&known, &elsewhere), [Signal::NewAddress, Signal::NewNetwork]);
        let abroad = origin("203.0.113.1", Some("AU"), Some(64501), "bot");
        assert_eq!(signals(&known, &abroad), [Signal::NewAddress, Signal::NewNetwork, Signal::NewCountry]);
        let other_program = Origin { device: "curl".to_owned(), ..home() };
        assert_eq!(signals(&known, &other_program), [Signal::NewDevice]);
        let hidden = Origin { place: Place { is_anonymous: true, ..home().place }, ..home() };
        assert_eq!(signals(&known, &hidden), [Signal::Anonymiser]);
    }

    #[test]
    fn what_nobody_knows_adds_nothing() {
        let nowhere = origin("203.0.113.1", None, None, "bot");
        assert_eq!(signals(&settled(), &nowhere), [Signal::NewAddress, Signal::NewNetwork]);
        let mut known = Known::default();
        known.learn(known.judge(&origin("192.0.2.7", None, None, "bot"), false, NOW).unknown);
        // a file is supplied later: the first country is how the key is used
        assert_eq!(signals(&known, &home()), []);
    }

    #[test]
    fn news_is_news_for_an_hour() {
        let mut known = settled();
        let abroad = origin("203.0.113.1", Some("AU"), Some(64501), "bot");
        let first = known.judge(&abroad, true, NOW);
        assert!(first.score.has(Signal::ImpossibleTravel));
        known.learn(first.unknown);
        let last = known.judge(&abroad, false, NOW + NEWS - Duration::SECOND);
        assert_eq!((last.score, last.unknown.len(), last.until), (first.score, 0, Some(NOW + NEWS)));
        assert_eq!(known.judge(&abroad, false, NOW + NEWS).score, Score::default());
    }

    #[test]
    fn who_has_two_homes_does_not_travel_between_them() {
        let mut known = settled();
        let second = origin("203.0.113.1", Some("AU"), Some(64501), "bot");
        known.learn(known.judge(&second, false, NOW - Duration::days(2)).unknown);
        for at in [&home(), &second] {
            assert_eq!(known.judge(at, true, NOW).score, Score::default());
        }
    }

    #[test]
    fn first_withdrawal_is_news_even_to_a_new_key() {
        for (act, signal) in
            [(Act::Withdrawal, Signal::FirstWithdrawal), (Act::Transfer, Signal::FirstTransfer)]
        {
            let mut known = Known::default();
            let taken = Origin { act: Some(act), ..home() };
            let first = known.judge(&taken, false, NOW);
            assert_eq!(first.score.signals().collect::<Vec<_>>(), [signal]);
            known.learn(first.unknown);
            assert_eq!(known.judge(&taken, false, NOW + NEWS).score, Score::default());
            let other = if act == Act::Transfer { Act::Withdrawal } else { Act::Transfer };
            assert_ne!(
                known.judge(&Origin { act: Some(other), ..home() }, false, NOW + NEWS).score,
                Score::default()
            );
        }
    }
}
