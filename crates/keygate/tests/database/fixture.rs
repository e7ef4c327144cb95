//! Two users with a row in every table, and how a row of each table is made.

use sqlx::{AssertSqlSafe, PgConnection};

mod tables;

pub use tables::TABLES;

/// A table as the probes see it. Braces are filled in by [`Table::fill`].
pub struct Table {
    pub name: &'static str,
    /// How to insert row `{n}` of a user.
    pub insert: &'static str,
    /// Which row is number `{n}` of a user.
    pub row: &'static str,
    /// What `on conflict` names.
    pub conflict: &'static str,
    /// A column that those with an UPDATE right may set.
    pub column: &'static str,
    /// What to set it to: a constant, since reading any column asks the SELECT policy too.
    pub value: &'static str,
    /// What would hand a row to the user `{thief}`.
    pub give: Option<&'static str>,
}

pub const ALICE: u8 = 0xa;
pub const BOB: u8 = 0xb;

/// A key that has no permissions and no schedule yet.
pub const SPARE_KEY: u8 = 0xf;

impl Table {
    /// A template filled in for row `n` of `user`.
    pub fn fill(&self, template: &str, user: u8, n: u8) -> String {
        let thief = if user == ALICE { BOB } else { ALICE };
        template
            .replace("{user}", &user_id(user))
            .replace("{thief}", &user_id(thief))
            .replace("{thief_key}", &id("public.api_keys", thief, SPARE_KEY))
            .replace("{id}", &id(self.name, user, n))
            .replace("{key}", &id("public.api_keys", user, if n == 1 { 1 } else { SPARE_KEY }))
            .replace("{first_key}", &id("public.api_keys", user, 1))
            .replace("{connection}", &id("public.exchange_connections", user, 1))
            .replace("{bot}", &id("public.bot_configs", user, 1))
            .replace("{access_key}", &id("public.access_keys", user, 1))
            .replace("{family}", &id("keygate.refresh_family", user, 1))
            .replace("{tag}", &format!("{user:x}tag{n}"))
            .replace("{n}", &n.to_string())
            .replace("{sealed}", &"A".repeat(66))
            .replace("{iv}", &"A".repeat(16))
            .replace("{blob}", &"00".repeat(80))
            .replace("{salt}", &"00".repeat(32))
    }

    /// The statement that makes row `n` of `user`.
    pub fn insertion(&self, user: u8, n: u8) -> String {
        format!("insert into {} {}", self.name, self.fill(self.insert, user, n))
    }
}

impl Table {
    /// An insertion for `on conflict do update`, which like any update of the table names the row that is there.
    pub fn upsertion(&self, user: u8, n: u8) -> String {
        match self.name {
            "public.exchanges" => {
                "insert into public.exchanges (exchange_name) values ('Coinone')".to_owned()
            }
            _ => self.insertion(user, n),
        }
    }
}

pub fn user_id(user: u8) -> String {
    id("public.users", user, 1)
}

/// The id of row `n` of a user.
pub fn id(table: &str, user: u8, n: u8) -> String {
    let number = TABLES.iter().position(|known| known.name == table).unwrap();
    format!("{number:08x}-0000-4000-8000-0000000000{user:x}{n:x}")
}

/// Alice and Bob with row 1 in every table, and a spare key each.
pub async fn seed(superuser: &mut PgConnection) {
    run(
        superuser,
        "insert into keygate.keyring (kid, provider, provider_key, wrapped, kcv, state)
                    values (1, 'test', 'test', '\\x00', '\\x0000000000000000', 'active')",
    )
    .await;
    for user in [ALICE, BOB] {
        for table in &TABLES {
            if table.name == "public.exchanges" {
                continue;
            }
            run(superuser, &table.insertion(user, 1)).await;
            if table.name == "public.api_keys" {
                run(superuser, &table.insertion(user, SPARE_KEY)).await;
                run(superuser, "delete from public.api_key_permissions where id::text not like '00000005-%'")
                    .await;
            }
        }
    }
}

/// A statement of the tests' own making.
pub async fn run(connection: &mut PgConnection, statement: &str) {
    if let Err(error) = sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await {
        panic!("{error:?}\n{statement}");
    }
}
