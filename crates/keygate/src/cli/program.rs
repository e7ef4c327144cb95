//! `keygate config ccxt` and its like: code to paste for a bot.
//!
//! The server does not tell a pair's secret twice, so the code reads the pair from the environment, under the
//! names `keygate config env` writes. With `--new-pair` a fresh pair is made and stands in the code.

use std::process::ExitCode;

use clap::Args;
use exchange::{Definition, Exchanges, Field};
use serde_json::{Value, json};

use super::{
    access, bot,
    client::{Client, strange},
    output::out,
    remote::{PasswordSource, Remote, usage},
    say,
};
use crate::{
    error::Fatal,
    snippet::{self, Access, Program},
};

#[derive(Args)]
pub struct ProgramArgs {
    /// Name or id of the bot
    #[arg(long)]
    bot: String,
    /// Make a new virtual pair and put it into the text; otherwise the text names environment variables
    #[arg(long)]
    new_pair: bool,
    /// The address the bot reaches Keygate by (default: the one this command uses)
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    #[command(flatten)]
    password: PasswordSource,
}

pub async fn run(remote: &Remote, program: Program, args: ProgramArgs) -> Result<ExitCode, Fatal> {
    let client = Client::new(remote)?;
    let bot = bot::find(&client, &args.bot).await?;
    let exchange = bot["exchange"].as_str().ok_or_else(|| strange(&client.base))?;
    let exchanges = Exchanges::builtin();
    let definition = exchanges.get(exchange).ok_or_else(|| strange(&client.base))?;
    let makes = |pair: &Pair| {
        let base_url = args.base_url.as_deref().unwrap_or(&client.base);
        let passphrase = pair.passphrase.as_deref();
        program.text(Access { base_url, definition, key: &pair.key, secret: &pair.secret, passphrase })
    };
    let placeholders = placeholders(program, definition);
    if makes(&placeholders).is_none() {
        let why = format!("{} does not speak to {}", program.title(), definition.name());
        return Err(usage(why, "use `keygate config ccxt`"));
    }
    let pair = if args.new_pair { pair(&client, remote, &args.password, &bot).await? } else { placeholders };
    out(&makes(&pair).unwrap_or_default());
    say(match (args.new_pair, program) {
        (true, _) => "This is the only time the secret is shown. Keep the file private.\n",
        (false, Program::Env | Program::Hummingbot) => "Fill in the pair, or run it again with --new-pair.\n",
        (false, _) => "It reads the pair from the environment: `keygate config env --bot NAME --new-pair`.\n",
    });
    Ok(ExitCode::SUCCESS)
}

struct Pair {
    key: String,
    secret: String,
    passphrase: Option<String>,
}

async fn pair(
    client: &Client,
    remote: &Remote,
    password: &PasswordSource,
    bot: &Value,
) -> Result<Pair, Fatal> {
    let issued = access::new_pair(client, remote, password, bot, json!({})).await?;
    let part = |pointer: &str| issued.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let pair = part("/virtual_pair/api_key").zip(part("/virtual_pair/secret"));
    let (key, secret) = pair.ok_or_else(|| strange(&client.base))?;
    Ok(Pair { key, secret, passphrase: part("/virtual_pair/passphrase") })
}

fn placeholders(program: Program, definition: &Definition) -> Pair {
    let [key, secret, passphrase] = snippet::variables(definition.id()).map(|name| match program {
        Program::Env => String::new(),
        _ => format!("${name}"),
    });
    let has_passphrase = definition.fields().contains(&Field::Passphrase);
    Pair { key, secret, passphrase: has_passphrase.then_some(passphrase) }
}
