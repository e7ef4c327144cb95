//! Logs: JSON lines off a terminal, readable on one. Fields are an allow-list by construction: statements
//! name what they log, and nothing logs a header, a query string or a body.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::config::{Log, LogFormat};

/// Starts logging to standard error. A second call changes nothing.
pub fn init(settings: &Log) {
    let filter = EnvFilter::new(format!("warn,keygate={}", settings.level));
    let json = match settings.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let registry = tracing_subscriber::registry().with(filter);
    let _ = match json {
        true => {
            registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()
        }
        false => registry.with(fmt::layer().with_target(false).with_writer(std::io::stderr)).try_init(),
    };
}
