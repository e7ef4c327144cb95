-- Each statement that appended to a log ran two functions of three statements. One statement sees to all of it.

drop trigger api_key_usage_audit_parents on public.api_key_usage_audit;
drop trigger api_key_usage_audit_advance on public.api_key_usage_audit;
drop trigger exchange_api_calls_parents on public.exchange_api_calls;
drop trigger exchange_api_calls_advance on public.exchange_api_calls;
set local role keygate_keysmith;
drop function keygate.check_audit_parents();
drop function keygate.check_call_parents();
drop function keygate.advance_audit_head();
set local role keygate_owner;

-- The head of a chain is its last row: rows that do not follow it are refused, so that a writer that did not wait cannot fork a
-- chain. A record is about a key of its user, which may still wait, or about an account: its user's own, and anybody's for who
-- administers.
create function keygate.append_uses() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    follows bool;
    orphans bool;
begin
    with own as (
            select user_id, min(chain_seq) as first, max(chain_seq) as last, count(*) as rows
            from inserted where chain_seq is not null group by user_id),
        moved as (
            update keygate.audit_head h
            set seq = own.last,
                mac = (select i.chain_mac from inserted i where i.user_id = own.user_id and i.chain_seq = own.last)
            from own
            where h.user_id = own.user_id and h.log = 'api_key_usage_audit'
                and h.seq = own.first - 1 and own.last - own.first + 1 = own.rows
            returning 1)
    select (select count(*) from own) = (select count(*) from moved),
        exists (
            select from (select distinct api_key_id, user_id from inserted) i
            where not exists (select from public.api_keys k where k.id = i.api_key_id and k.user_id = i.user_id)
                and not exists (select from keygate.own_key k where k.id = i.api_key_id and k.user_id = i.user_id)
                and i.api_key_id <> i.user_id
                and not exists (
                    select from public.users subject, public.users actor
                    where subject.id = i.api_key_id and actor.id = i.user_id and actor.role in ('owner', 'admin')))
        into follows, orphans;
    if orphans then
        raise foreign_key_violation using
            message = 'no such key of this user',
            constraint = 'api_key_usage_audit_api_key_id_fkey', table = 'api_key_usage_audit';
    end if;
    if not follows then
        raise integrity_constraint_violation using
            message = 'the record does not follow the last one of its chain',
            constraint = 'api_key_usage_audit_chain', table = 'api_key_usage_audit';
    end if;
    return null;
end
$$;
create trigger api_key_usage_audit_append after insert on public.api_key_usage_audit
    referencing new table as inserted for each statement execute function keygate.append_uses();
alter function keygate.append_uses() owner to keygate_keysmith;

-- The same of calls, which are made over a connection of their user.
create function keygate.append_calls() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    follows bool;
    orphans bool;
begin
    with own as (
            select user_id, min(chain_seq) as first, max(chain_seq) as last, count(*) as rows
            from inserted where chain_seq is not null group by user_id),
        moved as (
            update keygate.audit_head h
            set seq = own.last,
                mac = (select i.chain_mac from inserted i where i.user_id = own.user_id and i.chain_seq = own.last)
            from own
            where h.user_id = own.user_id and h.log = 'exchange_api_calls'
                and h.seq = own.first - 1 and own.last - own.first + 1 = own.rows
            returning 1)
    select (select count(*) from own) = (select count(*) from moved),
        exists (
            select from (select distinct connection_id, user_id from inserted) i
            where not exists (
                select from public.exchange_connections c where c.id = i.connection_id and c.user_id = i.user_id))
        into follows, orphans;
    if orphans then
        raise foreign_key_violation using
            message = 'no such connection of this user',
            constraint = 'exchange_api_calls_connection_id_fkey', table = 'exchange_api_calls';
    end if;
    if not follows then
        raise integrity_constraint_violation using
            message = 'the record does not follow the last one of its chain',
            constraint = 'exchange_api_calls_chain', table = 'exchange_api_calls';
    end if;
    return null;
end
$$;
create trigger exchange_api_calls_append after insert on public.exchange_api_calls
    referencing new table as inserted for each statement execute function keygate.append_calls();
alter function keygate.append_calls() owner to keygate_keysmith;
