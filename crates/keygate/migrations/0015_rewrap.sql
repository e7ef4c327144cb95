-- Moving users' keys from one master key to the next, and data to a user's next key. A job lists what is left and
-- swaps row by row, comparing with what it read: a crash or a second worker leaves every row whole.

create function keygate.list_user_keys(p_kid int, p_limit int)
returns table (user_id uuid, version int, encrypted_key text, key_iv text)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    (select k.user_id, k.version, k.encrypted_key, k.key_iv from public.user_encryption_keys k where k.kid = p_kid
    union all
    select h.user_id, h.version, h.encrypted_key, h.key_iv from keygate.user_key_history h where h.kid = p_kid)
    limit p_limit;
$$;
grant execute on function keygate.list_user_keys(int, int) to keygate_migrator;
alter function keygate.list_user_keys(int, int) owner to keygate_keysmith;

create function keygate.rewrap_user_key(
    p_user_id uuid, p_version int, p_old text, p_encrypted_key text, p_key_iv text, p_kid int
) returns bool
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    update public.user_encryption_keys set encrypted_key = p_encrypted_key, key_iv = p_key_iv, kid = p_kid
    where user_id = p_user_id and version = p_version and encrypted_key = p_old;
    if found then
        return true;
    end if;
    update keygate.user_key_history set encrypted_key = p_encrypted_key, key_iv = p_key_iv, kid = p_kid
    where user_id = p_user_id and version = p_version and encrypted_key = p_old;
    return found;
end
$$;
grant execute on function keygate.rewrap_user_key(uuid, int, text, text, text, int) to keygate_migrator;
alter function keygate.rewrap_user_key(uuid, int, text, text, text, int) owner to keygate_keysmith;

-- The caller's old key, once nothing is sealed with it any more; the caller is the one who knows.
create function keygate.forget_user_key(p_version int) returns bool
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    delete from keygate.user_key_history where user_id = keygate.uid() and version = p_version;
    return found;
end
$$;
grant execute on function keygate.forget_user_key(int) to authenticated;
alter function keygate.forget_user_key(int) owner to keygate_keysmith;
