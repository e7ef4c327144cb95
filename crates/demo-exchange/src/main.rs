//! The pretend exchange by hand: `demo-exchange [--port PORT] [--config FILE]` prints its address and runs
//! until it is interrupted.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};

use demo_exchange::{Clock, Config, DemoExchange};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let exchange = DemoExchange::new(options.config, Clock::system()).start_on(address).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", exchange.url())?;
    out.flush()?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}

struct Options {
    port: u16,
    config: Config,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self { port: 0, config: Config::demo() };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--port" => options.port = value()?.parse()?,
                "--config" => options.config = Config::parse(&std::fs::read_to_string(value()?)?)?,
                "--unlimited" => options.config = options.config.unlimited(),
                _ => return Err(format!("{USAGE}\nunknown option {arg}").into()),
            }
        }
        Ok(options)
    }
}

const USAGE: &str = "demo-exchange [--port PORT] [--config FILE] [--unlimited]";
