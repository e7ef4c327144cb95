//! Exit codes. They are part of the interface: scripts decide by them.

pub const FAILURE: u8 = 1;
pub const USAGE: u8 = 2;
pub const NOT_SIGNED_IN: u8 = 3;
pub const DENIED: u8 = 4;
pub const NOT_FOUND: u8 = 5;
pub const CONFLICT: u8 = 6;
pub const RISK: u8 = 7;
pub const UNREACHABLE: u8 = 8;
pub const RATE_LIMITED: u8 = 9;

/// For the end of the help and the manual page.
pub const TABLE: &str = "Exit codes: 0 ok, 1 failure, 2 usage, 3 not signed in, 4 denied, 5 not found, 6 conflict, \
    7 a check found a risk, 8 server unreachable or not ready, 9 rate limited";
