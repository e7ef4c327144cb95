//! Where the values of a signature stand in a request: for the signer, and for who reads them back.

use super::{Claim, Hole, Profile, Template};

/// Where a value of the signer stands.
#[derive(Clone, Copy)]
pub(crate) enum Place<'p> {
    Header(&'p str, &'p Template),
    Param(&'p str, &'p Template),
    Claim(&'p str, &'p Template),
}

/// The first place of each value that is read back, found once.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Vec<(Hole, Spot)>);

/// A place by its number among the headers, the injected parameters or the claims.
#[derive(Clone, Copy, Debug)]
enum Spot {
    Header(usize),
    Param(usize),
    Claim(usize),
}

/// The values that are read back.
const READ: [Hole; 8] = [
    Hole::Key,
    Hole::Signature,
    Hole::Time,
    Hole::Nonce,
    Hole::Expiry,
    Hole::Passphrase,
    Hole::PassphraseMac,
    Hole::Payload,
];

impl Places {
    pub(super) fn of(profile: &Profile) -> Places {
        Places(READ.into_iter().filter_map(|hole| Some((hole.clone(), find(profile, &hole)?))).collect())
    }

    /// The place of a value in the profile these were found in.
    pub(super) fn get<'p>(&self, profile: &'p Profile, hole: &Hole) -> Option<Place<'p>> {
        let (_, spot) = self.0.iter().find(|(own, _)| own == hole)?;
        match *spot {
            Spot::Header(at) => profile.headers.get(at).map(|(name, value)| Place::Header(name, value)),
            Spot::Param(at) => profile.inject.get(at).map(|item| Place::Param(&item.name, &item.value)),
            Spot::Claim(at) => match profile.token.as_ref()?.claims.get(at)? {
                (name, Claim::One(value)) => Some(Place::Claim(name, value)),
                (_, Claim::List(_)) => None,
            },
        }
    }
}

fn find(profile: &Profile, hole: &Hole) -> Option<Spot> {
    let header = || profile.headers.iter().position(|(_, value)| value.has(hole)).map(Spot::Header);
    let param = || profile.inject.iter().position(|item| item.value.has(hole)).map(Spot::Param);
    let is = |claim: &Claim| matches!(claim, Claim::One(value) if value.has(hole));
    let claim = || profile.token.as_ref()?.claims.iter().position(|(_, own)| is(own)).map(Spot::Claim);
    header().or_else(param).or_else(claim)
}
