-- People and the exchanges they trade at.

create table public.users (
    id             uuid primary key,
    user_no        int generated always as identity,
    email          text not null,
    name           text not null,
    password_hash  text not null,
    role           text not null default 'user',
    is_active      bool not null default true,
    security_stamp int not null default 1,
    created_at     timestamptz not null default now(),
    updated_at     timestamptz not null default now(),
    last_login_at  timestamptz,
    constraint users_user_no_key unique (user_no),
    constraint users_email_key unique (email),
    -- one spelling per address, so that `A@x` and `a@x` cannot be two accounts or two throttles
    constraint users_email_check check (
        email = lower(normalize(email, NFKC)) and email ~ '^[^[:space:]@]+@[^[:space:]@]+$' and length(email) <= 254
    ),
    constraint users_name_check check (length(name) between 1 and 100),
    -- only a password hash in PHC form, or a word that no password matches (`!`: login by other means)
    constraint users_password_hash_check check (password_hash ~ '^(!|\$argon2id-hmac-sha256\$)'),
    constraint users_role_check check (role in ('owner', 'admin', 'user')),
    constraint users_security_stamp_check check (security_stamp > 0)
);

create trigger users_touch before update on public.users
    for each row when (old.last_login_at is not distinct from new.last_login_at)
    execute function keygate.touch();

-- Every token carries the stamp. Whatever changes who someone is raises it, so old tokens die with the change;
-- it never goes down, or a stolen token could be brought back to life.
create function keygate.raise_stamp() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if new.security_stamp < old.security_stamp then
        raise check_violation using
            message = 'security_stamp cannot go down',
            constraint = 'users_security_stamp_monotonic', table = 'users';
    end if;
    if new.security_stamp = old.security_stamp
        and (new.password_hash, new.role, new.is_active, new.email)
            is distinct from (old.password_hash, old.role, old.is_active, old.email)
    then
        new.security_stamp := old.security_stamp + 1;
    end if;
    return new;
end
$$;

create trigger users_raise_stamp before update on public.users
    for each row execute function keygate.raise_stamp();

alter table public.users enable row level security;
alter table public.users force row level security;

create policy keygate_users_select on public.users for select to authenticated, keygate_signer
    using (id = (select keygate.uid()));
create policy keygate_users_insert on public.users for insert to authenticated
    with check (id = (select keygate.uid()));
create policy keygate_users_update on public.users for update to authenticated
    using (id = (select keygate.uid())) with check (id = (select keygate.uid()));
create policy keygate_users_delete on public.users for delete to authenticated
    using (id = (select keygate.uid()));
create policy keygate_users_admin_select on public.users for select to keygate_admin
    using (true);
create policy keygate_users_keysmith on public.users for all to keygate_keysmith
    using (true) with check (true);

-- Nobody reads a password hash from the table, and nobody promotes themselves: those columns go through functions.
grant select (id, user_no, email, name, role, is_active, security_stamp, created_at, updated_at, last_login_at)
    on public.users to authenticated, keygate_signer;
grant insert (id, email, name, password_hash) on public.users to authenticated;
grant update (email, name, password_hash, security_stamp, last_login_at) on public.users to authenticated;
grant delete on public.users to authenticated;
grant select, insert, update on public.users to keygate_keysmith;

create sequence public.exchange_no_seq as int start 101;

create table public.exchanges (
    exchange_id   int primary key default nextval('public.exchange_no_seq'),
    exchange_name varchar(20) not null,
    definition    text,
    constraint exchanges_exchange_name_key unique (exchange_name),
    constraint exchanges_exchange_name_check check (exchange_name <> '')
);
alter sequence public.exchange_no_seq owned by public.exchanges.exchange_id;

-- before row security is forced, which would hide the table even from this migration
insert into public.exchanges (exchange_name, definition) values ('Coinone', 'coinone'), ('Binance', 'binance');

alter table public.exchanges enable row level security;
alter table public.exchanges force row level security;

create policy keygate_exchanges_select on public.exchanges for select
    to authenticated, service_role, keygate_signer using (true);
create policy keygate_exchanges_insert on public.exchanges for insert to keygate_admin with check (true);
create policy keygate_exchanges_update on public.exchanges for update to keygate_admin
    using (true) with check (true);

grant select on public.exchanges to authenticated, service_role, keygate_signer;
grant insert (exchange_name, definition), update (exchange_name, definition) on public.exchanges to keygate_admin;
grant usage on sequence public.exchange_no_seq to keygate_admin;
