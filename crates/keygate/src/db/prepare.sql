-- Everything a superuser must do once per database, before the first migration. Running it again changes
-- nothing. Roles are shared by the whole cluster, so `create role` is guarded; attributes are set each time.

do $$
declare
    name text;
begin
    foreach name in array array[
        'keygate_owner', 'anon', 'authenticated', 'service_role', 'keygate_admin', 'keygate_signer', 'keygate_keysmith',
        'keygate_migrator', 'keygate_app', 'keygate_gateway', 'keygate_jobs', 'keygate_admin_login', 'keygate_backup'
    ] loop
        if not exists (select from pg_catalog.pg_roles where rolname = name) then
            execute format('create role %I', name);
        end if;
    end loop;
end
$$;

-- Owner and keysmith never log in. The owner does not inherit from the keysmith: it may hand functions over to it,
-- but the keysmith's row policies must not open the tables to the owner.
alter role keygate_owner nologin noinherit nosuperuser nobypassrls nocreaterole nocreatedb;
alter role keygate_keysmith nologin noinherit nosuperuser nobypassrls nocreaterole nocreatedb;
alter role anon nologin noinherit nosuperuser nobypassrls nocreaterole nocreatedb;
alter role authenticated nologin noinherit nosuperuser nobypassrls nocreaterole nocreatedb;
alter role service_role nologin noinherit nosuperuser nobypassrls nocreaterole nocreatedb;
alter role keygate_signer nologin noinherit nosuperuser nobypassrls nocreaterole nocreatedb;
alter role keygate_admin nologin inherit nosuperuser nobypassrls nocreaterole nocreatedb;

-- A login can do nothing until it sets one of its own roles, and each pool has its own login.
alter role keygate_migrator login noinherit nosuperuser nobypassrls nocreaterole nocreatedb;
alter role keygate_app login noinherit nosuperuser nobypassrls nocreaterole nocreatedb;
alter role keygate_gateway login noinherit nosuperuser nobypassrls nocreaterole nocreatedb;
alter role keygate_jobs login noinherit nosuperuser nobypassrls nocreaterole nocreatedb;
alter role keygate_admin_login login noinherit nosuperuser nobypassrls nocreaterole nocreatedb;

-- pg_dump must see every row, and under forced row security not even the owner does.
alter role keygate_backup login noinherit nosuperuser bypassrls nocreaterole nocreatedb;

grant keygate_keysmith to keygate_owner;
grant authenticated to keygate_admin;
grant keygate_owner to keygate_migrator;
grant anon, authenticated to keygate_app;
grant keygate_signer to keygate_gateway;
grant service_role to keygate_jobs;
grant keygate_admin to keygate_admin_login;

-- Under forced row security a data migration would silently see no rows; this turns silence into an error.
alter role keygate_migrator set row_security = off;

do $$
begin
    execute format('revoke all on database %I from public', current_database());
    execute format(
        'grant connect on database %I to keygate_migrator, keygate_app, keygate_gateway, keygate_jobs, '
        'keygate_admin_login, keygate_backup',
        current_database()
    );
    -- `create`: the owner makes no schema of its own, but trusted extensions and sqlx ask for it.
    execute format('grant create on database %I to keygate_owner', current_database());
end
$$;

revoke all on schema public from public;
grant usage on schema public to anon, authenticated, service_role, keygate_signer, keygate_keysmith, keygate_backup;
grant usage, create on schema public to keygate_owner;

create extension if not exists pgcrypto with schema public;
create extension if not exists "uuid-ossp" with schema public;

create schema if not exists keygate authorization keygate_owner;

-- New functions are closed until a migration grants them to someone by name.
alter default privileges for role keygate_owner revoke execute on functions from public;
alter default privileges for role keygate_keysmith revoke execute on functions from public;
