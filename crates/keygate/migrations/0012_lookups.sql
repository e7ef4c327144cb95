-- What must be found before a user is known, and what nobody may write by hand. Each function is owned by the
-- keysmith, answers with one row at most, and says who may call it. Grants come before the owner changes: the
-- migration cannot grant what it no longer owns. `row_security = on` because the migrating login turns it off, so that
-- a data migration fails instead of seeing no rows; the keysmith sees what its policies say.

create function keygate.find_login(p_email text)
returns table (
    id uuid, user_no int, email text, name text, password_hash text, role text, is_active bool, security_stamp int
)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select u.id, u.user_no, u.email, u.name, u.password_hash, u.role, u.is_active, u.security_stamp
    from public.users u where u.email = p_email;
$$;
grant execute on function keygate.find_login(text) to anon;
alter function keygate.find_login(text) owner to keygate_keysmith;

-- Active keys only. A revoked one is found by its prefix, which a well-formed key contains.
create function keygate.find_access_key(p_key_hash text)
returns table (
    access_key_id uuid, user_id uuid, bot_id uuid, key_hash text, key_prefix text, scopes text[],
    expires_at timestamptz, revoked_at timestamptz, allowed_ip_addresses inet[], user_is_active bool
)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select a.id, a.user_id, a.bot_id, a.key_hash, a.key_prefix, a.scopes,
        a.expires_at, a.revoked_at, a.allowed_ip_addresses, u.is_active
    from public.access_keys a join public.users u on u.id = a.user_id
    where a.key_hash = p_key_hash and a.revoked_at is null;
$$;
grant execute on function keygate.find_access_key(text) to anon, keygate_signer;
alter function keygate.find_access_key(text) owner to keygate_keysmith;

-- A key by its public half, revoked or not, with its virtual pair at that exchange (nulls if it has none there).
create function keygate.find_access_key_by_prefix(p_key_prefix text, p_exchange text default null)
returns table (
    access_key_id uuid, user_id uuid, bot_id uuid, key_hash text, key_prefix text, scopes text[],
    expires_at timestamptz, revoked_at timestamptz, allowed_ip_addresses inet[], user_is_active bool,
    exchange text, public_key text, secret text, passphrase text, public_key_pem text
)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select a.id, a.user_id, a.bot_id, a.key_hash, a.key_prefix, a.scopes,
        a.expires_at, a.revoked_at, a.allowed_ip_addresses, u.is_active,
        v.exchange, v.public_key, v.secret, v.passphrase, v.public_key_pem
    from public.access_keys a
    join public.users u on u.id = a.user_id
    left join keygate.virtual_key v on v.access_key_id = a.id and v.exchange = p_exchange
    where a.key_prefix = p_key_prefix;
$$;
grant execute on function keygate.find_access_key_by_prefix(text, text) to anon, keygate_signer;
alter function keygate.find_access_key_by_prefix(text, text) owner to keygate_keysmith;

-- Every version of the caller's own key, the present one first.
create function keygate.load_user_key(p_user_id uuid)
returns table (version int, encrypted_key text, key_iv text, kid int, is_current bool)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    if p_user_id is distinct from keygate.uid() then
        raise insufficient_privilege using message = 'not your key';
    end if;
    return query
        select k.version, k.encrypted_key, k.key_iv, k.kid, true
        from public.user_encryption_keys k where k.user_id = p_user_id
        union all
        (select h.version, h.encrypted_key, h.key_iv, h.kid, false
        from keygate.user_key_history h where h.user_id = p_user_id order by h.version desc);
end
$$;
grant execute on function keygate.load_user_key(uuid) to authenticated, keygate_signer;
alter function keygate.load_user_key(uuid) owner to keygate_keysmith;

-- Store the first key of the caller, or the next version, which moves the present one to the history. False when
-- that version is not the next: another request was faster, so load and use what it stored.
create function keygate.store_user_key(p_version int, p_encrypted_key text, p_key_iv text, p_kid int) returns bool
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    me      uuid := keygate.uid();
    present public.user_encryption_keys;
begin
    if me is null then
        raise insufficient_privilege using message = 'no user';
    end if;
    select * into present from public.user_encryption_keys where user_id = me for update;
    if not found then
        insert into public.user_encryption_keys (user_id, encrypted_key, key_iv, version, kid)
        select me, p_encrypted_key, p_key_iv, p_version, p_kid where p_version = 1
        on conflict (user_id) do nothing;
        return found;
    end if;
    if p_version <> present.version + 1 then
        return false;
    end if;
    insert into keygate.user_key_history (user_id, version, encrypted_key, key_iv, kid, created_at)
    values (me, present.version, present.encrypted_key, present.key_iv, present.kid, present.created_at);
    update public.user_encryption_keys
    set encrypted_key = p_encrypted_key, key_iv = p_key_iv, version = p_version, kid = p_kid, created_at = now()
    where user_id = me;
    return true;
end
$$;
grant execute on function keygate.store_user_key(int, text, text, int) to authenticated;
alter function keygate.store_user_key(int, text, text, int) owner to keygate_keysmith;

-- The first account of an installation, and only the first. Who may call it is the setup link's business.
create function keygate.create_owner(p_id uuid, p_email text, p_name text, p_password_hash text) returns bool
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    -- two setup pages submitted at once must not make two owners
    lock table public.users in share row exclusive mode;
    if exists (select from public.users where role = 'owner') then
        return false;
    end if;
    insert into public.users (id, email, name, password_hash, role)
    values (p_id, p_email, p_name, p_password_hash, 'owner');
    return true;
end
$$;
grant execute on function keygate.create_owner(uuid, text, text, text) to anon;
alter function keygate.create_owner(uuid, text, text, text) owner to keygate_keysmith;

create function keygate.has_owner() returns bool
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select exists (select from public.users where role = 'owner');
$$;
grant execute on function keygate.has_owner() to anon, authenticated;
alter function keygate.has_owner() owner to keygate_keysmith;

-- Admins change who others are through these two alone; neither touches the owner or oneself.
create function keygate.check_admin(p_user_id uuid) returns void
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    if not exists (
        select from public.users where id = keygate.uid() and is_active and role in ('owner', 'admin')
    ) then
        raise insufficient_privilege using message = 'not an admin', constraint = 'users_admin_required';
    end if;
    if exists (select from public.users where id = p_user_id and (role = 'owner' or id = keygate.uid())) then
        raise insufficient_privilege using
            message = 'the owner and oneself are out of reach', constraint = 'users_admin_reach';
    end if;
end
$$;
alter function keygate.check_admin(uuid) owner to keygate_keysmith;

create function keygate.set_user_active(p_user_id uuid, p_is_active bool) returns bool
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    perform keygate.check_admin(p_user_id);
    update public.users set is_active = p_is_active where id = p_user_id;
    return found;
end
$$;
grant execute on function keygate.set_user_active(uuid, bool) to keygate_admin;
alter function keygate.set_user_active(uuid, bool) owner to keygate_keysmith;

create function keygate.set_user_role(p_user_id uuid, p_role text) returns bool
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    perform keygate.check_admin(p_user_id);
    if p_role = 'owner' then
        raise insufficient_privilege using message = 'there is one owner', constraint = 'users_admin_reach';
    end if;
    update public.users set role = p_role where id = p_user_id;
    return found;
end
$$;
grant execute on function keygate.set_user_role(uuid, text) to keygate_admin;
alter function keygate.set_user_role(uuid, text) owner to keygate_keysmith;

-- Connections whose undo has run out. The job learns whose they are and then acts as each of them.
create function keygate.list_destroyable(p_at timestamptz) returns table (connection_id uuid, user_id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select c.id, c.user_id from public.exchange_connections c where c.destroy_after < p_at order by c.user_id;
$$;
grant execute on function keygate.list_destroyable(timestamptz) to service_role;
alter function keygate.list_destroyable(timestamptz) owner to keygate_keysmith;
