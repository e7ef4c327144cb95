//! Refusals, each with a status, a number and a word.

use crate::floor::Refusal;
use crate::house::Failure;
use crate::rule::Flaw;

#[derive(Clone, Copy)]
pub(crate) struct Error {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) message: &'static str,
}

impl Error {
    pub(super) const DUPLICATE: Self = Self::new(400, 204, "DUPLICATE_CLORDID");
    pub(super) const INSTRUMENT: Self = Self::new(400, 209, "INVALID_INSTRUMENT");
    pub(super) const CURRENCY: Self = Self::new(400, 211, "INVALID_CURRENCY");
    pub(super) const QUANTITY: Self = Self::new(400, 213, "INVALID_ORDERQTY");
    pub(super) const ORDER_TYPE: Self = Self::new(400, 218, "INVALID_ORDTYPE");
    pub(super) const EXEC_INST: Self = Self::new(400, 219, "INVALID_EXECINST");
    pub(super) const SIDE: Self = Self::new(400, 220, "INVALID_SIDE");
    pub(super) const FORCE: Self = Self::new(400, 221, "INVALID_TIF");
    pub(super) const BALANCE: Self = Self::new(400, 306, "INSUFFICIENT_AVAILABLE_BALANCE");
    pub(super) const PRICE: Self = Self::new(400, 308, "INVALID_PRICE");
    pub(super) const TOO_LARGE: Self = Self::new(400, 314, "EXCEEDS_MAX_ORDER_SIZE");
    pub(super) const TOO_SMALL: Self = Self::new(400, 415, "BELOW_MIN_ORDER_SIZE");
    pub(super) const BODY: Self = Self::new(400, 40001, "BAD_REQUEST");
    pub(super) const METHOD: Self = Self::new(404, 40002, "METHOD_NOT_FOUND");
    pub(super) const REQUEST: Self = Self::new(400, 40003, "INVALID_REQUEST");
    pub(super) const MISSING: Self = Self::new(400, 40004, "MISSING_OR_INVALID_ARGUMENT");
    pub(super) const UNAUTHORIZED: Self = Self::new(401, 40101, "UNAUTHORIZED");
    pub(super) const NONCE: Self = Self::new(400, 40102, "INVALID_NONCE");
    pub(super) const ADDRESS: Self = Self::new(401, 40103, "IP_ILLEGAL");
    pub(super) const PERMISSION: Self = Self::new(401, 40104, "USER_TIER_INVALID");
    pub(super) const NO_ORDER: Self = Self::new(200, 40401, "NOT_FOUND");
    pub(super) const TOO_MANY: Self = Self::new(429, 42901, "TOO_MANY_REQUESTS");
    pub(super) const POST_ONLY: Self = Self::new(400, 43005, "POST_ONLY_REJ");

    const fn new(status: u16, code: u32, message: &'static str) -> Self {
        Self { status, code, message }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Body => Self::BODY,
            Failure::NoRoute => Self::METHOD,
            Failure::Permission => Self::PERMISSION,
            Failure::TooMany => Self::TOO_MANY,
            Failure::UnknownKey => Self::UNAUTHORIZED,
        }
    }
}

impl From<Flaw> for Error {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::PriceRange | Flaw::PriceTick => Self::PRICE,
            Flaw::QuantityStep => Self::QUANTITY,
            Flaw::TooSmall | Flaw::TooCheap => Self::TOO_SMALL,
            Flaw::TooLarge => Self::TOO_LARGE,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::DuplicateClientId => Self::DUPLICATE,
            Refusal::InsufficientBalance => Self::BALANCE,
            Refusal::WouldMatch => Self::POST_ONLY,
        }
    }
}
