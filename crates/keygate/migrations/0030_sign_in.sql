-- How people sign in: the one-time setup link, page sessions, refresh tokens, known devices, throttling.
-- Every token is stored as its SHA-256; the token itself exists only at its holder.
-- These tables are reached through the functions below, one row each, owned by keygate_keysmith, because a
-- caller is not known before they have answered. No application role has a right on the tables themselves.

create table keygate.setup_link (
    token_hash text primary key constraint setup_link_token_hash_check check (token_hash ~ '^[0-9a-f]{64}$'),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
);

create table keygate.session (
    id uuid primary key,
    user_id uuid not null references public.users (id) on delete cascade,
    token_hash text not null constraint session_token_hash_key unique
        constraint session_token_hash_check check (token_hash ~ '^[0-9a-f]{64}$'),
    security_stamp int not null,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    -- absolute end, whatever the activity
    expires_at timestamptz not null,
    confirmed_at timestamptz not null,
    ip_address inet,
    user_agent text
);
create index session_user_id_idx on keygate.session (user_id);

-- All refresh tokens that descend from one login. Using one of them twice revokes the family.
create table keygate.refresh_family (
    id uuid primary key,
    user_id uuid not null references public.users (id) on delete cascade,
    security_stamp int not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoked_because text
);
create index refresh_family_user_id_idx on keygate.refresh_family (user_id);

create table keygate.refresh_token (
    token_hash text primary key constraint refresh_token_token_hash_check check (token_hash ~ '^[0-9a-f]{64}$'),
    family_id uuid not null references keygate.refresh_family (id) on delete cascade,
    user_id uuid not null references public.users (id) on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index refresh_token_family_id_idx on keygate.refresh_token (family_id);
create index refresh_token_user_id_idx on keygate.refresh_token (user_id);

-- A device that has signed in before has its own throttling bucket, so that strangers who exhaust the
-- account's bucket do not lock its owner out.
create table keygate.device (
    token_hash text primary key constraint device_token_hash_check check (token_hash ~ '^[0-9a-f]{64}$'),
    user_id uuid not null references public.users (id) on delete cascade,
    created_at timestamptz not null,
    last_used_at timestamptz not null
);
create index device_user_id_idx on keygate.device (user_id);

-- bucket = SHA-256 over kind and subject (account + network, address, or device); never the text itself.
create table keygate.login_bucket (
    bucket bytea primary key constraint login_bucket_bucket_check check (length(bucket) = 32),
    window_start timestamptz not null,
    attempts int not null
);

do $$
declare
    name text;
begin
    foreach name in array array['setup_link', 'session', 'refresh_family', 'refresh_token', 'device', 'login_bucket'] loop
        execute format('alter table keygate.%I enable row level security', name);
        execute format('alter table keygate.%I force row level security', name);
        execute format('create policy keygate_keysmith_all on keygate.%I for all to keygate_keysmith using (true) with check (true)', name);
        execute format('grant select, insert, update, delete on keygate.%I to keygate_keysmith', name);
    end loop;
end $$;

-- The setup link ---------------------------------------------------------------------------------------

-- For the boot connection, which makes links only while there is no owner.
create function keygate.lacks_owner() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select not exists (select 1 from public.users where role = 'owner')
$$;

-- A new link replaces the older ones: at most one opens the door.
create function keygate.make_setup_link(link_hash text, made_at timestamptz, ends_at timestamptz) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    delete from keygate.setup_link;
    insert into keygate.setup_link (token_hash, created_at, expires_at) values (link_hash, made_at, ends_at);
$$;

create function keygate.setup_link_is_open(link_hash text, at timestamptz) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select exists (select 1 from keygate.setup_link
        where token_hash = link_hash and used_at is null and expires_at > at)
$$;

-- Uses the link up and makes the owner in one statement pair; false when the link does not open.
-- The lock on users makes two concurrent uses one winner and one loser.
create function keygate.make_owner(link_hash text, owner_id uuid, owner_email text, owner_name text,
    owner_hash text, at timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    lock table keygate.setup_link in exclusive mode;
    update keygate.setup_link set used_at = at
        where token_hash = link_hash and used_at is null and expires_at > at;
    if not found then
        return false;
    end if;
    return keygate.create_owner(owner_id, owner_email, owner_name, owner_hash);
end $$;

create function keygate.make_user(new_id uuid, new_email text, new_name text, new_hash text, at timestamptz)
returns void language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    insert into public.users (id, email, name, password_hash, role, created_at, updated_at)
        values (new_id, new_email, new_name, new_hash, 'user', at, at)
$$;

-- Throttling -------------------------------------------------------------------------------------------

-- Charges one attempt before the password is looked at. Null when the bucket still has room, else the
-- seconds until it has again. Race-free and survives a crash, because the charge is committed first.
create function keygate.charge_login(which bytea, allowed int, period interval, at timestamptz) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    row keygate.login_bucket;
begin
    insert into keygate.login_bucket as b (bucket, window_start, attempts) values (which, at, 1)
        on conflict (bucket) do update set
            attempts = case when b.window_start + period <= at then 1 else b.attempts + 1 end,
            window_start = case when b.window_start + period <= at then at else b.window_start end
        returning * into row;
    if row.attempts <= allowed then
        return null;
    end if;
    return greatest(1, ceil(extract(epoch from row.window_start + period - at)))::int;
end $$;

create function keygate.clear_login(which bytea[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    delete from keygate.login_bucket where bucket = any (which)
$$;

create function keygate.remember_device(device_hash text, owner uuid, at timestamptz) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    insert into keygate.device (token_hash, user_id, created_at, last_used_at) values (device_hash, owner, at, at)
        on conflict (token_hash) do update set last_used_at = excluded.last_used_at
        where device.user_id = excluded.user_id
$$;

create function keygate.knows_device(device_hash text, owner uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select exists (select 1 from keygate.device where token_hash = device_hash and user_id = owner)
$$;

create function keygate.signed_in(who uuid, at timestamptz, better_hash text) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    update public.users set last_login_at = at, password_hash = coalesce(better_hash, password_hash) where id = who
$$;

-- Page sessions ----------------------------------------------------------------------------------------

create function keygate.open_session(session_id uuid, owner uuid, session_hash text, at timestamptz,
    ends_at timestamptz, address inet, agent text) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    insert into keygate.session (id, user_id, token_hash, security_stamp, created_at, last_seen_at, expires_at,
        confirmed_at, ip_address, user_agent)
    select session_id, u.id, session_hash, u.security_stamp, at, at, ends_at, at, address, left(agent, 300)
        from public.users u where u.id = owner
$$;

-- Finds a live session and marks it seen (at most every half minute, to spare writes).
create function keygate.find_session(session_hash text, at timestamptz, idle interval)
returns table (session_id uuid, user_id uuid, email text, name text, role text, is_active boolean, confirmed_at timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    update keygate.session s set last_seen_at = at
        where s.token_hash = session_hash and s.last_seen_at < at - interval '30 seconds'
            and s.last_seen_at > at - idle and s.expires_at > at;
    return query select s.id, u.id, u.email, u.name, u.role, u.is_active, s.confirmed_at
        from keygate.session s join public.users u on u.id = s.user_id
        where s.token_hash = session_hash and s.expires_at > at and s.last_seen_at > at - idle
            and s.security_stamp = u.security_stamp;
end $$;

create function keygate.close_session(session_hash text) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    delete from keygate.session where token_hash = session_hash
$$;

-- Refresh tokens ---------------------------------------------------------------------------------------

create function keygate.open_family(new_family uuid, owner uuid, first_hash text, at timestamptz,
    token_ends timestamptz, family_ends timestamptz) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    stamp int;
begin
    select u.security_stamp into strict stamp from public.users u where u.id = owner;
    insert into keygate.refresh_family (id, user_id, security_stamp, created_at, expires_at)
        values (new_family, owner, stamp, at, family_ends);
    insert into keygate.refresh_token (token_hash, family_id, user_id, created_at, expires_at)
        values (first_hash, new_family, owner, at, least(token_ends, family_ends));
    return stamp;
end $$;

-- Trades a refresh token for its successor. outcome: 'ok', 'reused' (the family is now revoked) or 'unknown'.
create function keygate.trade_refresh(old_hash text, new_hash text, at timestamptz, token_ends timestamptz)
returns table (outcome text, user_id uuid, family_id uuid, stamp int, is_active boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    token keygate.refresh_token;
    family keygate.refresh_family;
    owner public.users;
begin
    -- locks the row, so that two concurrent uses are one use and one reuse
    select * into token from keygate.refresh_token t where t.token_hash = old_hash for update;
    if not found then
        return query select 'unknown', null::uuid, null::uuid, null::int, null::boolean;
        return;
    end if;
    select * into strict family from keygate.refresh_family f where f.id = token.family_id for update;
    select * into strict owner from public.users u where u.id = token.user_id;
    if token.used_at is not null and family.revoked_at is null then
        update keygate.refresh_family f set revoked_at = at, revoked_because = 'reuse' where f.id = family.id;
        return query select 'reused', token.user_id, token.family_id, null::int, owner.is_active;
        return;
    end if;
    if family.revoked_at is not null or family.expires_at <= at or token.expires_at <= at
            or family.security_stamp <> owner.security_stamp then
        return query select 'unknown', token.user_id, token.family_id, null::int, owner.is_active;
        return;
    end if;
    update keygate.refresh_token t set used_at = at where t.token_hash = old_hash;
    insert into keygate.refresh_token (token_hash, family_id, user_id, created_at, expires_at)
        values (new_hash, family.id, token.user_id, at, least(token_ends, family.expires_at));
    return query select 'ok', token.user_id, token.family_id, owner.security_stamp, owner.is_active;
end $$;

create function keygate.revoke_family(which uuid, owner uuid, at timestamptz, because text) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    update keygate.refresh_family set revoked_at = at, revoked_because = because
        where id = which and user_id = owner and revoked_at is null
$$;

-- Is the bearer of an access token still who the token says? One row, or none when the family is gone.
create function keygate.find_bearer(who uuid, which uuid, stamp int, at timestamptz)
returns table (email text, name text, role text, is_active boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select u.email, u.name, u.role, u.is_active
        from public.users u join keygate.refresh_family f on f.user_id = u.id
        where u.id = who and f.id = which and f.revoked_at is null and f.expires_at > at
            and u.security_stamp = stamp and f.security_stamp = stamp
$$;

-- Administration of users ------------------------------------------------------------------------------

-- Lists and changes accounts, never what they own. keygate_admin alone may call these.
create function keygate.list_users() returns setof public.users
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select * from public.users order by user_no
$$;

do $$
declare
    callable text[] := array[
        'setup_link_is_open(text, timestamptz)',
        'make_owner(text, uuid, text, text, text, timestamptz)',
        'make_user(uuid, text, text, text, timestamptz)', 'charge_login(bytea, int, interval, timestamptz)',
        'clear_login(bytea[])', 'remember_device(text, uuid, timestamptz)', 'knows_device(text, uuid)',
        'signed_in(uuid, timestamptz, text)',
        'open_session(uuid, uuid, text, timestamptz, timestamptz, inet, text)',
        'find_session(text, timestamptz, interval)', 'close_session(text)',
        'open_family(uuid, uuid, text, timestamptz, timestamptz, timestamptz)',
        'trade_refresh(text, text, timestamptz, timestamptz)',
        'revoke_family(uuid, uuid, timestamptz, text)', 'find_bearer(uuid, uuid, int, timestamptz)'];
    administrative text[] := array['list_users()'];
    booting text[] := array['lacks_owner()', 'make_setup_link(text, timestamptz, timestamptz)'];
    signature text;
begin
    -- grants come before the owner changes: the migration cannot grant what it no longer owns
    foreach signature in array callable loop
        execute format('grant execute on function keygate.%s to anon', signature);
    end loop;
    foreach signature in array administrative loop
        execute format('grant execute on function keygate.%s to keygate_admin', signature);
    end loop;
    foreach signature in array booting loop
        execute format('grant execute on function keygate.%s to keygate_migrator', signature);
    end loop;
    foreach signature in array callable || administrative || booting loop
        execute format('revoke all on function keygate.%s from public', signature);
        execute format('alter function keygate.%s owner to keygate_keysmith', signature);
    end loop;
end $$;
