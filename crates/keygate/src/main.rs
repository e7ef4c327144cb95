//! The one binary: server and command line.

use std::process::ExitCode;

use keygate::{cli, hardening};

fn main() -> ExitCode {
    if let Err(error) = hardening::harden() {
        cli::say(&format!("keygate: the process cannot be protected against dumps: {error}\n"));
        return ExitCode::FAILURE;
    }
    cli::main()
}
