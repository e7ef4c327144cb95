-- What the boot connection (login keygate_migrator) may do with the key tables. No other role can call these.

create function keygate.load_keyring()
returns table (kid int, provider text, provider_key text, wrapped bytea, kcv bytea, state text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select k.kid, k.provider, k.provider_key, k.wrapped, k.kcv, k.state
    from keygate.keyring k where k.state <> 'destroyed' order by k.kid;
$$;

create function keygate.insert_keyring(
    p_kid int, p_provider text, p_provider_key text, p_wrapped bytea, p_kcv bytea, p_state text
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into keygate.keyring (kid, provider, provider_key, wrapped, kcv, state, activated_at)
    values (p_kid, p_provider, p_provider_key, p_wrapped, p_kcv, p_state, case p_state when 'active' then now() end);
$$;

-- The root key changed: the same master key under a new wrapping.
create function keygate.rewrap_keyring(p_kid int, p_provider text, p_provider_key text, p_wrapped bytea) returns bool
language sql security definer set search_path = pg_catalog, pg_temp as $$
    with done as (
        update keygate.keyring set provider = p_provider, provider_key = p_provider_key, wrapped = p_wrapped
        where kid = p_kid and state <> 'destroyed' returning 1
    )
    select exists (select from done);
$$;

-- Make a pending key the active one, once every instance seen in the last minute has loaded it.
create function keygate.promote_keyring(p_kid int) returns bool
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (select from keygate.nodes where seen_at > now() - interval '1 minute' and not kids @> array[p_kid]) then
        return false;
    end if;
    perform from keygate.keyring where state in ('active', 'pending') for update;
    if not exists (select from keygate.keyring where kid = p_kid and state = 'pending') then
        return false;
    end if;
    update keygate.keyring set state = 'decrypt_only', retired_at = now() where state = 'active';
    update keygate.keyring set state = 'active', activated_at = now() where kid = p_kid;
    return true;
end
$$;

-- Forget a master key for good, unless something still needs it. Counts under the row lock that every writer shares.
create function keygate.destroy_keyring(p_kid int) returns bool
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform from keygate.keyring where kid = p_kid and state = 'decrypt_only' for update;
    if not found or keygate.count_wrapped(p_kid) > 0 then
        return false;
    end if;
    update keygate.keyring set state = 'destroyed', wrapped = '', destroyed_at = now() where kid = p_kid;
    return true;
end
$$;

-- How many rows a master key still wraps. The keysmith counts, because row security hides users' keys from the owner.
-- (The boot login has row security off, which would refuse a table with policies.)
create function keygate.count_user_keys(p_kid int) returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select (select count(*) from public.user_encryption_keys where kid = p_kid)
         + (select count(*) from keygate.user_key_history where kid = p_kid);
$$;
alter function keygate.count_user_keys(int) owner to keygate_keysmith;
-- granted by the new owner: what an owner grants to itself goes to its successor
set local role keygate_keysmith;
grant execute on function keygate.count_user_keys(int) to keygate_owner;
set local role keygate_owner;

create function keygate.count_wrapped(p_kid int) returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select keygate.count_user_keys(p_kid)
         + (select count(*) from keygate.service_key where kid = p_kid)
         + (select count(*) from keygate.signing_keys where kid = p_kid and state <> 'retired');
$$;

create function keygate.load_service_keys()
returns table (version int, wrapped text, iv text, kid int)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select s.version, s.wrapped, s.iv, s.kid from keygate.service_key s order by s.version;
$$;

create function keygate.insert_service_key(p_version int, p_wrapped text, p_iv text, p_kid int) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into keygate.service_key (version, wrapped, iv, kid) values (p_version, p_wrapped, p_iv, p_kid);
$$;

-- Compare and swap: false when another instance was faster.
create function keygate.rewrap_service_key(p_version int, p_old text, p_wrapped text, p_iv text, p_kid int) returns bool
language sql security definer set search_path = pg_catalog, pg_temp as $$
    with done as (
        update keygate.service_key set wrapped = p_wrapped, iv = p_iv, kid = p_kid
        where version = p_version and wrapped = p_old returning 1
    )
    select exists (select from done);
$$;

create function keygate.load_signing_keys(p_purpose text)
returns table (id text, public_key bytea, wrapped text, iv text, kid int, state text, created_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select s.id, s.public_key, s.wrapped, s.iv, s.kid, s.state, s.created_at
    from keygate.signing_keys s where s.purpose = p_purpose and s.state <> 'retired' order by s.created_at desc;
$$;

-- A new signing key becomes the active one; the former stays for verifying, the one before that is retired.
create function keygate.insert_signing_key(
    p_id text, p_purpose text, p_public_key bytea, p_wrapped text, p_iv text, p_kid int
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update keygate.signing_keys
        set state = 'retired', retired_at = now() where purpose = p_purpose and state = 'previous';
    update keygate.signing_keys set state = 'previous' where purpose = p_purpose and state = 'active';
    insert into keygate.signing_keys (id, purpose, public_key, wrapped, iv, kid, state)
    values (p_id, p_purpose, p_public_key, p_wrapped, p_iv, p_kid, 'active');
$$;

create function keygate.rewrap_signing_key(p_id text, p_old text, p_wrapped text, p_iv text, p_kid int) returns bool
language sql security definer set search_path = pg_catalog, pg_temp as $$
    with done as (
        update keygate.signing_keys set wrapped = p_wrapped, iv = p_iv, kid = p_kid
        where id = p_id and wrapped = p_old returning 1
    )
    select exists (select from done);
$$;

create function keygate.report_node(p_id uuid, p_kids int[], p_version text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into keygate.nodes (id, kids, version) values (p_id, p_kids, p_version)
    on conflict (id) do update set kids = excluded.kids, version = excluded.version, seen_at = now();
$$;

grant execute on function
    keygate.load_keyring(),
    keygate.insert_keyring(int, text, text, bytea, bytea, text),
    keygate.rewrap_keyring(int, text, text, bytea),
    keygate.promote_keyring(int),
    keygate.destroy_keyring(int),
    keygate.count_wrapped(int),
    keygate.load_service_keys(),
    keygate.insert_service_key(int, text, text, int),
    keygate.rewrap_service_key(int, text, text, text, int),
    keygate.load_signing_keys(text),
    keygate.insert_signing_key(text, text, bytea, text, text, int),
    keygate.rewrap_signing_key(text, text, text, text, int)
    to keygate_migrator;

grant execute on function keygate.report_node(uuid, int[], text) to keygate_migrator, service_role;
