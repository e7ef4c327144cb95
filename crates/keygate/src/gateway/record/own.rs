//! Lines about what Keygate itself asks an exchange.

use uuid::Uuid;

use super::Line;
use crate::{app::App, connection};

/// Of a connection, and otherwise empty.
pub fn of_our_own(app: &App, user: Uuid, row: &connection::Row, request_id: Uuid) -> Line {
    Line {
        at: app.clock.now(),
        user,
        request_id,
        api_key: row.api_key_id,
        access_key: None,
        connection: row.id,
        bot: None,
        phase: "event",
        exchange: row.exchange.clone(),
        environment: row.environment.clone(),
        class: "",
        decision: "allow",
        rule: None,
        method: "",
        path: String::new(),
        symbol: None,
        summary: None,
        ip: std::net::IpAddr::from(std::net::Ipv4Addr::LOCALHOST).into(),
        agent: None,
        status: None,
        success: None,
        error: None,
        took_ms: None,
    }
}
