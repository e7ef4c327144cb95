-- Caches hold sealed rows of users. Whatever changes what a user may do is announced with the user's id on
-- `keygate_changed`, and every instance drops that user within a second. Columns that the gateway itself keeps
-- up to date (last use, health) are left out, or each call would empty the cache it was served from.

create function keygate.announce() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('keygate_changed', coalesce(new.user_id, old.user_id)::text);
    return null;
end
$$;

create function keygate.announce_user() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('keygate_changed', coalesce(new.id, old.id)::text);
    return null;
end
$$;

-- Permissions name no user, but only their owner can change them. New ones come with a new key, which announces
-- itself, and they go with their key likewise.
create function keygate.announce_caller() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if keygate.uid() is not null then
        perform pg_notify('keygate_changed', keygate.uid()::text);
    end if;
    return null;
end
$$;

create trigger users_announce after insert or delete or update of is_active, role, security_stamp, password_hash, email
    on public.users for each row execute function keygate.announce_user();
create trigger user_encryption_keys_announce after insert or update or delete
    on public.user_encryption_keys for each row execute function keygate.announce();
create trigger api_keys_announce after insert or delete or update of
    encrypted_api_key, encrypted_secret, encrypted_passphrase, is_active, environment, name, permissions,
    is_rotation_active, rotation_grace_period_ends_at, rotation_generation
    on public.api_keys for each row execute function keygate.announce();
create trigger api_key_permissions_announce after update
    on public.api_key_permissions for each row execute function keygate.announce_caller();
create trigger exchange_connections_announce after insert or delete or update of
    name, exchange_type, environment, is_default, is_enabled, encrypted_api_key, encrypted_secret_key,
    encrypted_passphrase, base_url, rate_limit, timeout_seconds, retry_attempts, allowed_symbols, blocked_symbols,
    api_key_id, credential_id, deleted_at
    on public.exchange_connections for each row execute function keygate.announce();
create trigger bot_configs_announce after insert or update or delete
    on public.bot_configs for each row execute function keygate.announce();
create trigger access_keys_announce after insert or delete or update of
    revoked_at, scopes, expires_at, allowed_ip_addresses
    on public.access_keys for each row execute function keygate.announce();
create trigger virtual_key_announce after insert or update or delete
    on keygate.virtual_key for each row execute function keygate.announce();
