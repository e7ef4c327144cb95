//! The pretend exchanges by hand: prints the address of their page, then id and address of each, and runs until it is
//! interrupted. With `--until-eof` it also ends with its standard input, so that it never outlives a test.
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
    for id in demo_exchange::spoken() {
        writeln!(out, "{id} {}", exchange.origin(id))?;
    }
    out.flush()?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        () = end_of_input(), if options.until_eof => {}
    }
    Ok(())
}

/// Reads standard input to its end. On a thread of its own: a runtime would wait for the read when it stops.
async fn end_of_input() {
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = ended.send(());
    });
    let _ = end.await;
}

struct Options {
    port: u16,
    config: Config,
    until_eof: bool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self { port: 0, config: Config::demo(), until_eof: false };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--port" => options.port = value()?.parse()?,
                "--config" => options.config = Config::parse(&std::fs::read_to_string(value()?)?)?,
                "--unlimited" => options.config = options.config.unlimited(),
                "--until-eof" => options.until_eof = true,
                _ => return Err(format!("{USAGE}\nunknown option {arg}").into()),
            }
        }
        Ok(options)
    }
}

const USAGE: &str = "demo-exchange [--port PORT] [--config FILE] [--unlimited] [--until-eof]";
