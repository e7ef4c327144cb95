-- Who is asking: the signed user context that every row policy rests on, and the trigger functions shared by all
-- tables. A migration runs as keygate_owner; roles and extensions are made before, by `keygate database init`.

grant usage on schema keygate
    to anon, authenticated, service_role, keygate_signer, keygate_keysmith, keygate_migrator, keygate_backup;

-- The keysmith owns the functions that act before a user is known. Nobody can log in as it or become it, so the
-- right to create serves migrations alone (a function can only be handed to a role that may create in its schema).
grant create on schema keygate to keygate_keysmith;

-- The key that signs contexts. No role but the owner reads it, and the owner only inside keygate.uid().
create table keygate.ctx_key (
    id bool primary key default true,
    k  bytea not null,
    constraint ctx_key_id_check check (id),
    constraint ctx_key_k_check check (octet_length(k) = 32)
);

create function keygate.install_context_key(key bytea) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into keygate.ctx_key (k) values (key) on conflict (id) do update set k = excluded.k;
$$;

-- The user of the present transaction, or null for nobody. `keygate.ctx` is `uid|exp|hmac(uid|exp|backend pid)`:
-- a statement smuggled into the application cannot name another user without the key, cannot keep a context
-- beyond its life and cannot carry it to another connection.
create function keygate.uid() returns uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    ctx   text := current_setting('keygate.ctx', true);
    parts text[];
begin
    -- after any `set local` an unset variable reads '' and no longer null: both mean nobody
    if ctx is null or ctx = '' then
        return null;
    end if;
    parts := string_to_array(ctx, '|');
    -- `is distinct from` and `coalesce`, because a missing part makes every plain comparison null, and `if null`
    -- does not raise
    if array_length(parts, 1) is distinct from 3
        or encode(public.hmac(
            convert_to(parts[1] || '|' || parts[2] || '|' || pg_backend_pid(), 'UTF8'),
            (select k from keygate.ctx_key),
            'sha256'
        ), 'hex') is distinct from parts[3]
        or not coalesce(parts[2]::bigint >= extract(epoch from clock_timestamp()), false)
    then
        raise insufficient_privilege using message = 'bad context';
    end if;
    return parts[1]::uuid;
end
$$;

grant execute on function keygate.uid()
    to authenticated, service_role, keygate_signer, keygate_keysmith, keygate_backup;
grant execute on function keygate.install_context_key(bytea) to keygate_migrator;

-- A row never changes hands: its ciphertext is bound to the user, and its children are found through the user.
create function keygate.keep_user_id() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if new.user_id is distinct from old.user_id then
        raise check_violation using
            message = 'user_id cannot change',
            constraint = tg_table_name || '_user_id_immutable',
            table = tg_table_name;
    end if;
    return new;
end
$$;

create function keygate.touch() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    new.updated_at := now();
    return new;
end
$$;

-- exchange_connections keeps time without a zone; it is UTC whatever the session thinks
create function keygate.touch_utc() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    new.updated_at := now() at time zone 'utc';
    return new;
end
$$;
