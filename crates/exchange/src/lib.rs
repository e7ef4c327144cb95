#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod answer;
mod check;
mod class;
mod conformance;
mod definition;
mod exchanges;
mod method;
mod moment;
mod orders;
mod pair;
mod probe;
mod reading;
mod request;
mod signing;

pub use crate::{
    answer::{Answer, Asked, DialectResponse, ErrorKind, ExchangeError, FrameAnswer, Session},
    check::{Checked, Folder, Problem, check},
    class::{Class, SignLevel},
    conformance::conformance,
    definition::{
        Budget, Capabilities, Definition, DefinitionError, OwnKeys, PRODUCTION, RateScope, Upstream,
    },
    exchanges::Exchanges,
    method::Method,
    orders::{OpenOrder, OrderState, OrderStatus, Placed},
    pair::VirtualPair,
    probe::{Balance, MarketList, Permissions, Price, Probe, ProbeError},
    reading::{Leverage, Order, Reading, Side, Symbol, Withdrawal},
    request::{Act, BadFrame, Frame, Incoming, Part, Refusal, Request},
    signing::{
        CredentialError, CredentialProblem, Credentials, Field, Kept, KeyError, KeyKind, NonceKind,
        NonceUnit, Options, OwnKey, SecretForm, SignError, Signed, SigningKey, Stamp, TokenAlgorithm, Typed,
        Verified, VerifyError,
    },
};
