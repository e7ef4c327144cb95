//! Rules that hold for every table, function and role, the ones to come included.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::fixture::TABLES;
use crate::world::World;

/// Tables without a user: reached through functions only, or the migrations' own.
const KEY_TABLES: [&str; 6] = [
    "keygate.ctx_key",
    "keygate.keyring",
    "keygate.migrations",
    "keygate.nodes",
    "keygate.service_key",
    "keygate.signing_keys",
];

/// What breaks each rule, as a query that must come back empty.
const RULES: [(&str, &str); 16] = [
    (
        "row security is forced on every table but the key tables",
        "select c.oid::regclass::text from pg_class c
         where c.relnamespace in ('public'::regnamespace, 'keygate'::regnamespace) and c.relkind in ('r', 'p')
           and not (c.relrowsecurity and c.relforcerowsecurity) and c.oid::regclass::text <> all($KEY_TABLES)",
    ),
    (
        "nobody but the owner and the backup has any right to a key table",
        "select c.oid::regclass::text || ' ' || r.rolname from pg_class c, pg_roles r
         where c.oid::regclass::text = any($KEY_TABLES) and r.rolname !~ '^pg_'
           and r.rolname not in ('postgres', 'keygate_owner', 'keygate_migrator', 'keygate_backup')
           and has_any_column_privilege(r.oid, c.oid, 'select, insert, update, references')",
    ),
    (
        "not even the backup reads the context key",
        "select t from unnest(array['keygate.ctx_key']) t
         where has_any_column_privilege('keygate_backup', t, 'select')",
    ),
    (
        "everything belongs to the owner, or functions to the keysmith",
        "select c.oid::regclass::text from pg_class c
         where c.relnamespace in ('public'::regnamespace, 'keygate'::regnamespace)
           and c.relowner <> 'keygate_owner'::regrole
         union all
         select p.oid::regprocedure::text from pg_proc p
         where p.pronamespace = 'keygate'::regnamespace
           and p.proowner not in ('keygate_owner'::regrole, 'keygate_keysmith'::regrole)",
    ),
    (
        "a policy that says `true` names the roles it is for",
        "select tablename || ': ' || policyname from pg_policies
         where (qual = 'true' or with_check = 'true') and (roles && '{public, authenticated, anon, keygate_signer}')
           and tablename <> 'exchanges'",
    ),
    (
        "a policy for every command states both what it shows and what it accepts",
        "select tablename || ': ' || policyname from pg_policies
         where (cmd in ('UPDATE', 'ALL') and (qual is null or with_check is null))
            or (cmd in ('SELECT', 'DELETE') and qual is null) or (cmd = 'INSERT' and with_check is null)",
    ),
    (
        "the user of the context is computed once per query, not once per row",
        "select tablename || ': ' || policyname from pg_policies
         where concat(qual, with_check) ~ 'uid\\(\\)' and concat(qual, with_check) !~ '\\( SELECT keygate\\.uid\\(\\) AS uid\\)'",
    ),
    (
        "nothing is granted to everybody",
        "select c.oid::regclass::text from pg_class c, aclexplode(c.relacl) a
         where c.relnamespace in ('public'::regnamespace, 'keygate'::regnamespace) and a.grantee = 0
         union all
         select p.oid::regprocedure::text from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
         where p.pronamespace = 'keygate'::regnamespace and a.grantee = 0
         union all
         select n.nspname from pg_namespace n, aclexplode(n.nspacl) a
         where n.nspname in ('public', 'keygate') and a.grantee = 0
         union all
         select d.datname from pg_database d, aclexplode(d.datacl) a
         where d.datname = current_database() and a.grantee = 0",
    ),
    (
        "nobody may truncate, reference or hang triggers on a table: row security does not cover these",
        "select c.oid::regclass::text || ' ' || r.rolname from pg_class c, pg_roles r
         where c.relnamespace in ('public'::regnamespace, 'keygate'::regnamespace) and c.relkind = 'r'
           and r.rolname ~ '^(keygate_|anon|authenticated|service_role)'
           and r.rolname not in ('keygate_owner', 'keygate_migrator')
           and has_table_privilege(r.oid, c.oid, 'truncate, references, trigger')",
    ),
    (
        "only the backup passes row security by",
        "select rolname from pg_roles where (rolbypassrls or rolsuper) and rolname not in ('postgres', 'keygate_backup')",
    ),
    (
        "the backup changes nothing",
        "select c.oid::regclass::text from pg_class c
         where c.relnamespace in ('public'::regnamespace, 'keygate'::regnamespace) and c.relkind = 'r'
           and (has_any_column_privilege('keygate_backup', c.oid, 'insert, update')
                or has_table_privilege('keygate_backup', c.oid, 'delete'))",
    ),
    (
        "a login inherits nothing and cannot make roles or databases",
        "select rolname from pg_roles
         where rolname ~ '^keygate_' and (rolcanlogin and rolinherit or rolcreaterole or rolcreatedb or rolreplication)",
    ),
    (
        "a function with its owner's rights fixes its search path, and temporary objects come last in it",
        "select oid::regprocedure::text from pg_proc
         where prosecdef and pronamespace in ('public'::regnamespace, 'keygate'::regnamespace)
           and not coalesce('search_path=pg_catalog, pg_temp' = any(proconfig), false)",
    ),
    (
        "a password hash leaves the table through the login alone",
        "select p.oid::regprocedure::text from pg_proc p
         where p.pronamespace = 'keygate'::regnamespace and p.proname <> 'find_login'
           and (pg_get_function_result(p.oid) ~ 'password_hash' or p.prorettype = 'public.users'::regtype)",
    ),
    (
        "a user_id is a foreign key to the user, or part of one to a row of the user; it is indexed by that, goes with it, and \
         cannot change",
        "select a.attrelid::regclass::text from pg_attribute a
         where a.attname = 'user_id' and not a.attisdropped
           and a.attrelid in (select oid from pg_class where relkind = 'r'
                              and relnamespace in ('public'::regnamespace, 'keygate'::regnamespace))
           and not (
               exists (select from pg_constraint f join pg_index i on i.indrelid = a.attrelid and i.indkey[0] = f.conkey[1]
                       where f.conrelid = a.attrelid and f.contype = 'f' and f.confdeltype = 'c'
                         and (f.confrelid = 'public.users'::regclass and f.conkey = array[a.attnum]
                              or a.attnum = f.conkey[2] and cardinality(f.conkey) = 2))
               and exists (select from pg_trigger t where t.tgrelid = a.attrelid
                           and t.tgfoid = 'keygate.keep_user_id'::regproc))",
    ),
    (
        "a foreign key between two tables of users carries the user along",
        "select f.conname::text from pg_constraint f
         where f.contype = 'f' and f.confrelid <> 'public.users'::regclass
           and exists (select from pg_attribute a where a.attrelid = f.conrelid and a.attname = 'user_id')
           and not exists (select from pg_attribute a where a.attrelid = f.conrelid and a.attname = 'user_id'
                           and a.attnum = any(f.conkey))",
    ),
];

#[tokio::test]
async fn every_rule_of_the_catalogue_holds() {
    let world = World::new().await;
    let mut superuser = world.scratch.superuser().await.unwrap();
    for (rule, query) in RULES {
        let broken = breaches(&mut superuser, query).await;
        assert!(broken.is_empty(), "{rule}: {broken:?}");
    }
}

/// A table that the access matrix does not know is a table nobody has thought about.
#[tokio::test]
async fn every_table_is_in_the_access_matrix() {
    let world = World::new().await;
    let mut superuser = world.scratch.superuser().await.unwrap();
    let forgotten =
        "select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
                     where n.nspname in ('public', 'keygate') and c.relkind in ('r', 'p', 'v', 'm', 'f')
                       and n.nspname || '.' || c.relname <> all($KEY_TABLES)";
    let mut live = breaches(&mut superuser, forgotten).await;
    live.retain(|name| !TABLES.iter().any(|table| table.name == name));
    assert!(live.is_empty(), "not in fixture.rs: {live:?}");
}

/// The rules themselves, tried on a catalogue that breaks each of them.
#[tokio::test]
async fn every_rule_notices_its_breach() {
    let world = World::new().await;
    let mut superuser = world.scratch.superuser().await.unwrap();
    let breaking = [
        "alter table public.api_keys no force row level security",
        "grant select (state) on keygate.keyring to keygate_jobs",
        "grant select on keygate.ctx_key to keygate_backup",
        "alter table public.api_keys owner to keygate_keysmith",
        "alter policy \"Users can view own API keys\" on public.api_keys using (true)",
        "create policy half on public.api_keys for update to authenticated using (id is null)",
        "alter policy \"Users can view own API keys\" on public.api_keys using (user_id = keygate.uid())",
        "grant execute on function keygate.find_login(text) to public",
        "grant truncate on public.api_keys to authenticated",
        "alter role keygate_jobs bypassrls",
        "grant delete on public.api_keys to keygate_backup",
        "alter role keygate_jobs inherit",
        "alter function keygate.find_login(text) set search_path = public",
        "create function keygate.leak() returns setof public.users language sql as 'select * from public.users'",
        "drop trigger api_keys_keep_user_id on public.api_keys",
        "alter table public.exchange_balances add constraint bare foreign key (connection_id)
             references public.exchange_connections (id)",
    ];
    assert_eq!(breaking.len(), RULES.len());
    for ((rule, query), statement) in RULES.iter().zip(breaking) {
        sqlx::raw_sql("begin").execute(&mut superuser).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut superuser).await.unwrap();
        assert!(
            !breaches(&mut superuser, query).await.is_empty(),
            "{rule} was not seen broken by {statement}"
        );
        sqlx::raw_sql("rollback").execute(&mut superuser).await.unwrap();
    }
}

async fn breaches(superuser: &mut PgConnection, query: &str) -> Vec<String> {
    let key_tables = format!("array['{}']", KEY_TABLES.join("', '"));
    let query = query.replace("$KEY_TABLES", &key_tables);
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(superuser).await.unwrap()
}
