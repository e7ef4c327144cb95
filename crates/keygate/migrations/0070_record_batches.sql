-- Records come in batches. What is checked of them is checked once for each statement and not once for each row, and
-- the rows of both logs come as one list.

-- One call, as the gateway tells it. The part of the gateway that writes records sends lists of these.
create type keygate.call_record as (
    id            uuid,
    at            timestamptz,
    user_id       uuid,
    request_id    uuid,
    api_key_id    uuid,
    access_key_id uuid,
    connection_id uuid,
    bot_id        uuid,
    phase         text,
    exchange      text,
    class         text,
    decision      text,
    rule          text,
    method        text,
    endpoint      text,
    symbol        text,
    summary       text,
    ip            inet,
    agent         text,
    status        int,
    success       bool,
    error         text,
    took_ms       int
);
grant usage on type keygate.call_record to keygate_signer;

drop trigger api_key_usage_audit_parent on public.api_key_usage_audit;
drop trigger exchange_api_calls_parent on public.exchange_api_calls;
set local role keygate_keysmith;
drop function keygate.check_audit_parent();
drop function keygate.check_call_parent();
set local role keygate_owner;

-- A record may be about a key that still waits: it becomes a generation of its connection under the same id.
create function keygate.check_audit_parents() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    if exists (
        select from (select distinct api_key_id, user_id from inserted) i
        where not exists (select from public.api_keys k where k.id = i.api_key_id and k.user_id = i.user_id)
            and not exists (select from keygate.own_key k where k.id = i.api_key_id and k.user_id = i.user_id)
    ) then
        raise foreign_key_violation using
            message = 'no such key of this user',
            constraint = 'api_key_usage_audit_api_key_id_fkey', table = 'api_key_usage_audit';
    end if;
    return null;
end
$$;
create trigger api_key_usage_audit_parents after insert on public.api_key_usage_audit
    referencing new table as inserted for each statement execute function keygate.check_audit_parents();
alter function keygate.check_audit_parents() owner to keygate_keysmith;

create function keygate.check_call_parents() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    if exists (
        select from (select distinct connection_id, user_id from inserted) i
        where not exists (
            select from public.exchange_connections c where c.id = i.connection_id and c.user_id = i.user_id)
    ) then
        raise foreign_key_violation using
            message = 'no such connection of this user',
            constraint = 'exchange_api_calls_connection_id_fkey', table = 'exchange_api_calls';
    end if;
    return null;
end
$$;
create trigger exchange_api_calls_parents after insert on public.exchange_api_calls
    referencing new table as inserted for each statement execute function keygate.check_call_parents();
alter function keygate.check_call_parents() owner to keygate_keysmith;
