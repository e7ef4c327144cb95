-- pg_dump reads everything but the keyring, which is kept apart from the dump, and the context key, which is made
-- anew at each start.
grant select on all tables in schema public, keygate to keygate_backup;
grant select on all sequences in schema public, keygate to keygate_backup;
revoke all on keygate.keyring, keygate.ctx_key from keygate_backup;
alter default privileges for role keygate_owner in schema public, keygate grant select on tables to keygate_backup;
alter default privileges for role keygate_owner in schema public, keygate grant select on sequences to keygate_backup;
