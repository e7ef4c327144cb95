-- Not everything that is done belongs to a key of an exchange: a personal access key, the wait of raised limits, an account.
-- Such a record has the account's id where others have their key's. It is the user's own account; only of whoever
-- administers it may be another's.
set local role keygate_keysmith;
create or replace function keygate.check_audit_parents() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    if exists (
        select from (select distinct api_key_id, user_id from inserted) i
        where not exists (select from public.api_keys k where k.id = i.api_key_id and k.user_id = i.user_id)
            and not exists (select from keygate.own_key k where k.id = i.api_key_id and k.user_id = i.user_id)
            and i.api_key_id <> i.user_id
            and not exists (
                select from public.users subject, public.users actor
                where subject.id = i.api_key_id and actor.id = i.user_id and actor.role in ('owner', 'admin'))
    ) then
        raise foreign_key_violation using
            message = 'no such key of this user',
            constraint = 'api_key_usage_audit_api_key_id_fkey', table = 'api_key_usage_audit';
    end if;
    return null;
end
$$;
set local role keygate_owner;
