-- Each row of the two logs is one link of its user's chain: a sequence number and a MAC over the row and the MAC before.
-- The key of the MAC never comes here. Columns of the row and not a table beside it: one insert, one read.
--
-- null: written by somebody who has no key, which verification reports. 0: from before this migration, which proves nothing.
alter table public.api_key_usage_audit
    add column chain_seq bigint default 0,
    add column chain_key int,
    add column chain_mac bytea;
alter table public.api_key_usage_audit alter column chain_seq drop default;
alter table public.exchange_api_calls
    add column chain_seq bigint default 0,
    add column chain_key int,
    add column chain_mac bytea;
alter table public.exchange_api_calls alter column chain_seq drop default;

alter table public.api_key_usage_audit add constraint api_key_usage_audit_chain_check
    check ((coalesce(chain_seq, 0) > 0) = (chain_key is not null and octet_length(chain_mac) = 32)
        and (chain_key is null) = (chain_mac is null));
alter table public.exchange_api_calls add constraint exchange_api_calls_chain_check
    check ((coalesce(chain_seq, 0) > 0) = (chain_key is not null and octet_length(chain_mac) = 32)
        and (chain_key is null) = (chain_mac is null));

create unique index api_key_usage_audit_chain_key on public.api_key_usage_audit (user_id, chain_seq) where chain_seq > 0;
create unique index exchange_api_calls_chain_key on public.exchange_api_calls (user_id, chain_seq) where chain_seq > 0;

-- The last link of each chain. Whoever appends locks it until commit, as the last lock of the transaction (limit windows,
-- connections and keys come before), so that two replicas append one after the other.
create table keygate.audit_head (
    user_id uuid not null references public.users (id) on delete cascade,
    log     text not null,
    seq     bigint not null,
    mac     bytea not null,
    constraint audit_head_pkey primary key (user_id, log),
    constraint audit_head_log_check check (log in ('api_key_usage_audit', 'exchange_api_calls')),
    constraint audit_head_mac_check check (octet_length(mac) = 32)
);

-- What was deleted for its age: the link where verification starts now, signed with the key of the checkpoints.
create table keygate.audit_stub (
    user_id   uuid not null references public.users (id) on delete cascade,
    log       text not null,
    seq       bigint not null,
    mac       bytea not null,
    pruned_at timestamptz not null,
    key_id    text not null,
    signature bytea not null,
    constraint audit_stub_pkey primary key (user_id, log)
);

create trigger audit_head_keep_user_id before update on keygate.audit_head
    for each row execute function keygate.keep_user_id();
create trigger audit_stub_keep_user_id before update on keygate.audit_stub
    for each row execute function keygate.keep_user_id();

alter table keygate.audit_head enable row level security;
alter table keygate.audit_head force row level security;
alter table keygate.audit_stub enable row level security;
alter table keygate.audit_stub force row level security;

-- No role writes a head: it follows the rows, by the trigger below.
create policy keygate_audit_head_select on keygate.audit_head for select to keygate_keysmith
    using (user_id = (select keygate.uid()));
create policy keygate_audit_head_insert on keygate.audit_head for insert to keygate_keysmith
    with check (user_id = (select keygate.uid()));
create policy keygate_audit_head_update on keygate.audit_head for update to keygate_keysmith
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
-- for checkpoints
create policy keygate_audit_head_service on keygate.audit_head for select to service_role using (true);
create policy keygate_audit_stub_keysmith on keygate.audit_stub for all to keygate_keysmith
    using (true) with check (true);
-- for counting and pruning, by the functions below
create policy keygate_api_key_usage_audit_read on public.api_key_usage_audit for select to keygate_keysmith using (true);
create policy keygate_api_key_usage_audit_prune on public.api_key_usage_audit for delete to keygate_keysmith using (true);
create policy keygate_exchange_api_calls_read on public.exchange_api_calls for select to keygate_keysmith using (true);
create policy keygate_exchange_api_calls_prune on public.exchange_api_calls for delete to keygate_keysmith using (true);

grant select, insert, update on keygate.audit_head, keygate.audit_stub to keygate_keysmith;
grant select on keygate.audit_head to service_role;
grant select, delete on public.api_key_usage_audit, public.exchange_api_calls to keygate_keysmith;

-- Those who may append and have no key cannot write the columns of the chain.
revoke insert on public.api_key_usage_audit from service_role;
grant insert (
    id, api_key_id, user_id, operation_type, endpoint, http_method, ip_address, user_agent, device_fingerprint, status_code,
    success, error_message, daily_usage_count, monthly_usage_count, is_suspicious, suspicious_reasons, risk_score, created_at,
    request_id, phase, access_key_id, bot_id, exchange, symbol, class, decision, rule
) on public.api_key_usage_audit to service_role;
revoke insert on public.exchange_api_calls from authenticated;
grant insert (
    id, connection_id, user_id, endpoint, method, parameters, status_code, response_time_ms, success, error_message,
    rate_limit_remaining, rate_limit_reset, ip_address, user_agent, session_id, created_at, request_id, phase
) on public.exchange_api_calls to authenticated;

-- The chains of the user of the context, locked until commit; a chain nobody has appended to yet begins here.
create function keygate.lock_audit_heads(p_logs text[])
returns table (user_id uuid, log text, seq bigint, mac bytea)
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
#variable_conflict use_column
begin
    insert into keygate.audit_head (user_id, log, seq, mac)
        select keygate.uid(), l, 0, decode(repeat('00', 32), 'hex') from unnest(p_logs) l order by l
        on conflict do nothing;
    return query
        select h.user_id, h.log, h.seq, h.mac from keygate.audit_head h
        where h.user_id = keygate.uid() and h.log = any (p_logs) order by h.log for no key update;
end
$$;
grant execute on function keygate.lock_audit_heads(text[]) to authenticated, keygate_signer;
alter function keygate.lock_audit_heads(text[]) owner to keygate_keysmith;

-- The head is the last row. Rows that do not follow it are refused, so a writer that did not wait cannot fork a chain.
create function keygate.advance_audit_head() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    own record;
begin
    for own in
        select user_id, min(chain_seq) as first, max(chain_seq) as last, count(*) as rows
        from inserted where chain_seq is not null group by user_id
    loop
        update keygate.audit_head
        set seq = own.last,
            mac = (select i.chain_mac from inserted i where i.user_id = own.user_id and i.chain_seq = own.last)
        where user_id = own.user_id and log = tg_table_name
            and seq = own.first - 1 and own.last - own.first + 1 = own.rows;
        if not found then
            raise integrity_constraint_violation using
                message = 'the record does not follow the last one of its chain',
                constraint = tg_table_name || '_chain', table = tg_table_name;
        end if;
    end loop;
    return null;
end
$$;
create trigger api_key_usage_audit_advance after insert on public.api_key_usage_audit
    referencing new table as inserted for each statement execute function keygate.advance_audit_head();
create trigger exchange_api_calls_advance after insert on public.exchange_api_calls
    referencing new table as inserted for each statement execute function keygate.advance_audit_head();
alter function keygate.advance_audit_head() owner to keygate_keysmith;

-- The gateway's lines bring their links along. The address comes as text too, because text is what the second log holds.
alter type keygate.call_record
    add attribute address text,
    add attribute chain_key int,
    add attribute use_seq bigint,
    add attribute use_mac bytea,
    add attribute call_seq bigint,
    add attribute call_mac bytea;

set local role keygate_keysmith;
drop function keygate.record_key_event(uuid, uuid, uuid, text, text, text, inet, text, bool, text, text);
set local role keygate_owner;
create function keygate.record_key_event(
    p_id uuid,
    p_request_id uuid,
    p_api_key_id uuid,
    p_operation_type text,
    p_endpoint text,
    p_success bool default true,
    p_error_message text default null,
    p_exchange text default null,
    p_created_at timestamptz default now(),
    p_chain_seq bigint default null,
    p_chain_key int default null,
    p_chain_mac bytea default null
) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    insert into public.api_key_usage_audit (
        id, request_id, api_key_id, user_id, operation_type, endpoint, success, error_message, exchange, created_at,
        chain_seq, chain_key, chain_mac
    ) values (
        p_id, p_request_id, p_api_key_id, keygate.uid(), p_operation_type, p_endpoint, p_success, p_error_message, p_exchange,
        p_created_at, p_chain_seq, p_chain_key, p_chain_mac
    );
$$;
grant execute on function keygate.record_key_event(
    uuid, uuid, uuid, text, text, bool, text, text, timestamptz, bigint, int, bytea) to authenticated;
alter function keygate.record_key_event(
    uuid, uuid, uuid, text, text, bool, text, text, timestamptz, bigint, int, bytea) owner to keygate_keysmith;

-- How many rows claim to be from before the chains: the first checkpoint says so, later ones may not be more.
create function keygate.count_unchained() returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select (select count(*) from public.api_key_usage_audit where chain_seq = 0)
         + (select count(*) from public.exchange_api_calls where chain_seq = 0);
$$;
grant execute on function keygate.count_unchained() to service_role;
alter function keygate.count_unchained() owner to keygate_keysmith;

-- Deletes the first rows of one chain and leaves the stub. For `keygate audit prune` on the server's machine alone.
create function keygate.prune_audit(
    p_user_id uuid, p_log text, p_seq bigint, p_mac bytea, p_pruned_at timestamptz, p_key_id text, p_signature bytea
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    gone bigint;
begin
    insert into keygate.audit_stub (user_id, log, seq, mac, pruned_at, key_id, signature)
        values (p_user_id, p_log, p_seq, p_mac, p_pruned_at, p_key_id, p_signature)
        on conflict (user_id, log) do update set seq = excluded.seq, mac = excluded.mac,
            pruned_at = excluded.pruned_at, key_id = excluded.key_id, signature = excluded.signature;
    case p_log
        when 'api_key_usage_audit' then
            delete from public.api_key_usage_audit where user_id = p_user_id and chain_seq > 0 and chain_seq <= p_seq;
        when 'exchange_api_calls' then
            delete from public.exchange_api_calls where user_id = p_user_id and chain_seq > 0 and chain_seq <= p_seq;
    end case;
    get diagnostics gone = row_count;
    return gone;
end
$$;
grant execute on function keygate.prune_audit(uuid, text, bigint, bytea, timestamptz, text, bytea) to keygate_migrator;
alter function keygate.prune_audit(uuid, text, bigint, bytea, timestamptz, text, bytea) owner to keygate_keysmith;
