//! The score of a call: signals, what each is worth, and what follows from their sum. No clock, no memory: the same signals are
//! always the same score.

/// Something about a call that speaks against it. The points are those of `docs/risk.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// The key was never used from this address.
    NewAddress,
    /// Nor from its neighbourhood or its operator.
    NewNetwork,
    NewCountry,
    /// Another kind of program, or one that speaks another language.
    NewDevice,
    /// Too far from the last call for the time between them.
    ImpossibleTravel,
    /// Far busier than the key usually is.
    Burst,
    /// It was refused again and again just now.
    Denials,
    /// At a time of the week at which it rests.
    OffHours,
    /// The first withdrawal or transfer of this key.
    FirstWithdrawal,
    FirstTransfer,
    /// An order or a withdrawal that nearly is as large as it may be.
    NearLimit,
    /// The key was revoked or has expired.
    DeadKey,
    /// The key is bait.
    HoneyKey,
    /// The address hides who calls.
    Anonymiser,
}

/// A set of signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score(u16);

impl Signal {
    pub const ALL: [Signal; 14] = [
        Signal::NewAddress,
        Signal::NewNetwork,
        Signal::NewCountry,
        Signal::NewDevice,
        Signal::ImpossibleTravel,
        Signal::Burst,
        Signal::Denials,
        Signal::OffHours,
        Signal::FirstWithdrawal,
        Signal::FirstTransfer,
        Signal::NearLimit,
        Signal::DeadKey,
        Signal::HoneyKey,
        Signal::Anonymiser,
    ];

    pub const fn points(self) -> u32 {
        match self {
            Signal::NewAddress | Signal::NewNetwork | Signal::OffHours | Signal::NearLimit => 10,
            Signal::NewDevice => 15,
            Signal::Burst | Signal::FirstWithdrawal | Signal::FirstTransfer | Signal::Anonymiser => 20,
            Signal::NewCountry | Signal::Denials => 25,
            Signal::ImpossibleTravel => 40,
            Signal::DeadKey => 60,
            Signal::HoneyKey => 100,
        }
    }

    /// As it stands in records.
    pub const fn name(self) -> &'static str {
        match self {
            Signal::NewAddress => "new-address",
            Signal::NewNetwork => "new-network",
            Signal::NewCountry => "new-country",
            Signal::NewDevice => "new-device",
            Signal::ImpossibleTravel => "impossible-travel",
            Signal::Burst => "burst",
            Signal::Denials => "denials",
            Signal::OffHours => "off-hours",
            Signal::FirstWithdrawal => "first-withdrawal",
            Signal::FirstTransfer => "first-transfer",
            Signal::NearLimit => "near-limit",
            Signal::DeadKey => "dead-key",
            Signal::HoneyKey => "honey-key",
            Signal::Anonymiser => "anonymiser",
        }
    }

    /// As people read it.
    pub const fn words(self) -> &'static str {
        match self {
            Signal::NewAddress => "an address this key was not used from before",
            Signal::NewNetwork => "a network it was not used from before",
            Signal::NewCountry => "a country it was not used from before",
            Signal::NewDevice => "another program than before",
            Signal::ImpossibleTravel => "too far from its last call for the time between them",
            Signal::Burst => "far more calls in a minute than usual",
            Signal::Denials => "many refused calls just now",
            Signal::OffHours => "a time of the week at which it rests",
            Signal::FirstWithdrawal => "its first withdrawal",
            Signal::FirstTransfer => "its first transfer",
            Signal::NearLimit => "nearly as much as one of its limits allows",
            Signal::DeadKey => "a key that was revoked or has expired",
            Signal::HoneyKey => "a honey key, which nobody uses who came by it honestly",
            Signal::Anonymiser => "an address that hides who calls",
        }
    }

    pub fn named(name: &str) -> Option<Signal> {
        Signal::ALL.into_iter().find(|signal| signal.name() == name)
    }
}

impl Score {
    pub fn with(self, signal: Signal) -> Score {
        Score(self.0 | 1 << signal as u16)
    }

    pub fn and(self, other: Score) -> Score {
        Score(self.0 | other.0)
    }

    /// 0 to 100.
    pub fn points(self) -> u32 {
        if self.0 == 0 {
            return 0;
        }
        self.signals().map(Signal::points).sum::<u32>().min(MOST)
    }

    pub fn signals(self) -> impl Iterator<Item = Signal> {
        Signal::ALL.into_iter().filter(move |signal| self.has(*signal))
    }

    pub fn has(self, signal: Signal) -> bool {
        self.0 & 1 << signal as u16 != 0
    }

    /// Whether it says more than another one.
    pub fn exceeds(self, other: Score) -> bool {
        self.0 & !other.0 != 0
    }

    pub fn names(self) -> Vec<&'static str> {
        self.signals().map(Signal::name).collect()
    }

    pub fn is_suspicious(self) -> bool {
        self.points() >= SUSPICIOUS
    }

    /// Whether the key stands still until its owner says that it was them. Sooner where money may leave the account.
    pub fn suspends(self, may_withdraw: bool) -> bool {
        self.points() >= if may_withdraw { TOO_MUCH_TO_WITHDRAW } else { TOO_MUCH }
    }

    pub(super) fn bits(self) -> u16 {
        self.0
    }

    pub(super) fn of_bits(bits: u16) -> Score {
        Score(bits)
    }
}

impl FromIterator<Signal> for Score {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> Score {
        signals.into_iter().fold(Score::default(), Score::with)
    }
}

const MOST: u32 = 100;
const SUSPICIOUS: u32 = 40;
const TOO_MUCH: u32 = 70;
const TOO_MUCH_TO_WITHDRAW: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    /// Every set of signals there is.
    fn all() -> impl Iterator<Item = Score> {
        (0..1u16 << Signal::ALL.len()).map(Score)
    }

    #[test]
    fn score_is_the_sum_of_its_signals_and_never_more_than_a_hundred() {
        for score in all() {
            let sum: u32 = score.signals().map(Signal::points).sum();
            assert_eq!(score.points(), sum.min(100));
            assert_eq!(score.signals().collect::<Score>(), score);
        }
    }

    #[test]
    fn another_signal_never_makes_a_call_less_suspicious() {
        for score in all() {
            for signal in Signal::ALL {
                let worse = score.with(signal);
                assert!(worse.points() >= score.points());
                assert!(worse.is_suspicious() || !score.is_suspicious());
                for may_withdraw in [false, true] {
                    assert!(worse.suspends(may_withdraw) || !score.suspends(may_withdraw));
                }
                assert_eq!(worse.exceeds(score), !score.has(signal));
            }
        }
    }

    #[test]
    fn thresholds_are_those_of_the_document() {
        for score in all() {
            let points = score.points();
            assert_eq!(score.is_suspicious(), points >= 40, "{points}");
            assert_eq!(score.suspends(false), points >= 70, "{points}");
            assert_eq!(score.suspends(true), points >= 50, "{points}");
        }
    }

    /// `docs/risk.md` is what a trader reads; it may not promise other points.
    #[test]
    fn points_are_those_of_the_document() {
        let document = include_str!("../../../../docs/risk.md");
        for signal in Signal::ALL {
            let row = format!("| `{}` | {} |", signal.name(), signal.points());
            assert!(document.contains(&row), "no row {row}");
            assert_eq!(Signal::named(signal.name()), Some(signal));
        }
    }
}
