-- Whoever could send statements as the server's guest could open a session for anybody, or give anybody a password: the
-- functions that follow a proved password took the word of whoever called them for whose it was. They act for the context now,
-- which only the server can make.
set local role keygate_keysmith;
drop function keygate.signed_in(uuid, timestamptz, text);
drop function keygate.remember_device(text, uuid, timestamptz);
drop function keygate.open_session(uuid, uuid, text, timestamptz, timestamptz, inet, text);
drop function keygate.open_family(uuid, uuid, text, timestamptz, timestamptz, timestamptz);
drop function keygate.revoke_family(uuid, uuid, timestamptz, text);
set local role keygate_owner;

create function keygate.signed_in(at timestamptz, better_hash text) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    update public.users set last_login_at = at, password_hash = coalesce(better_hash, password_hash) where id = keygate.uid()
$$;

create function keygate.remember_device(device_hash text, at timestamptz) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    insert into keygate.device (token_hash, user_id, created_at, last_used_at) values (device_hash, keygate.uid(), at, at)
        on conflict (token_hash) do update set last_used_at = excluded.last_used_at
        where device.user_id = excluded.user_id
$$;

create function keygate.open_session(session_id uuid, session_hash text, at timestamptz, ends_at timestamptz, address inet,
    agent text) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    insert into keygate.session (id, user_id, token_hash, security_stamp, created_at, last_seen_at, expires_at,
        confirmed_at, ip_address, user_agent)
    select session_id, u.id, session_hash, u.security_stamp, at, at, ends_at, at, address, left(agent, 300)
        from public.users u where u.id = keygate.uid()
$$;

create function keygate.open_family(new_family uuid, first_hash text, at timestamptz, token_ends timestamptz,
    family_ends timestamptz) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    owner uuid := keygate.uid();
    stamp int;
begin
    select u.security_stamp into strict stamp from public.users u where u.id = owner;
    insert into keygate.refresh_family (id, user_id, security_stamp, created_at, expires_at)
        values (new_family, owner, stamp, at, family_ends);
    insert into keygate.refresh_token (token_hash, family_id, user_id, created_at, expires_at)
        values (first_hash, new_family, owner, at, least(token_ends, family_ends));
    return stamp;
end $$;

create function keygate.revoke_family(which uuid, at timestamptz, because text) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    update keygate.refresh_family set revoked_at = at, revoked_because = because
        where id = which and user_id = keygate.uid() and revoked_at is null
$$;

-- What is over of signing in: attempts long ago, sessions and families that have ended, devices nobody used for a year.
create function keygate.forget_sign_ins(at timestamptz) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    delete from keygate.login_bucket where window_start < at - interval '1 hour';
    delete from keygate.session where expires_at < at;
    delete from keygate.refresh_family where expires_at < at;
    delete from keygate.device where last_used_at < at - interval '1 year';
$$;

do $$
declare
    own text[] := array[
        'signed_in(timestamptz, text)', 'remember_device(text, timestamptz)',
        'open_session(uuid, text, timestamptz, timestamptz, inet, text)',
        'open_family(uuid, text, timestamptz, timestamptz, timestamptz)', 'revoke_family(uuid, timestamptz, text)'];
    signature text;
begin
    foreach signature in array own loop
        execute format('grant execute on function keygate.%s to authenticated', signature);
    end loop;
    grant execute on function keygate.forget_sign_ins(timestamptz) to service_role;
    foreach signature in array own || array['forget_sign_ins(timestamptz)'] loop
        execute format('revoke all on function keygate.%s from public', signature);
        execute format('alter function keygate.%s owner to keygate_keysmith', signature);
    end loop;
end $$;

-- The role says which pool a statement came from, not who stands behind it.
create function keygate.administers() returns bool
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select exists (
        select from public.users me where me.id = keygate.uid() and me.is_active and me.role in ('owner', 'admin'))
$$;
grant execute on function keygate.administers() to keygate_admin;
revoke all on function keygate.administers() from public;
alter function keygate.administers() owner to keygate_keysmith;
alter policy keygate_users_admin_select on public.users using ((select keygate.administers()));

-- What the gateway writes it writes through functions that are shown whose it is (0092); by its own right it adds no record, no
-- reservation, no used signature and no count.
revoke insert on public.api_key_usage_audit, public.exchange_api_calls from keygate_signer;
revoke insert on public.exchange_api_calls from authenticated;
revoke insert on keygate.reservation, keygate.used_signature from keygate_signer;
revoke insert, update on keygate.use_count from keygate_signer;
