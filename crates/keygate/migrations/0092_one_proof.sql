-- In whose name calls are written was proved anew for each table and each policy, a third of what an order cost, and each
-- user of a transaction had statements of their own. The functions here are shown the contexts of all users they act for, prove
-- each of them once, and say themselves whose each row is. They belong to the keysmith, as whom nobody can log in; its policies
-- on these tables are therefore open, and every statement of these functions names the users.

alter policy keygate_audit_head_select on keygate.audit_head using (true);
alter policy keygate_audit_head_insert on keygate.audit_head with check (true);
alter policy keygate_audit_head_update on keygate.audit_head using (true) with check (true);
alter policy keygate_api_key_usage_audit_keysmith on public.api_key_usage_audit with check (true);
alter policy keygate_reservation_settle on keygate.reservation using (true) with check (true);
alter policy keygate_spend_window_settle_select on keygate.spend_window using (true);
alter policy keygate_spend_window_settle_update on keygate.spend_window using (true) with check (true);
create policy keygate_exchange_api_calls_keysmith on public.exchange_api_calls for insert to keygate_keysmith with check (true);
create policy keygate_reservation_keep on keygate.reservation for insert to keygate_keysmith with check (true);
create policy keygate_spend_window_begin on keygate.spend_window for insert to keygate_keysmith with check (true);
create policy keygate_used_signature_keysmith on keygate.used_signature to keygate_keysmith using (true) with check (true);
create policy keygate_use_count_keysmith on keygate.use_count to keygate_keysmith using (true) with check (true);
create policy keygate_suspension_keysmith on keygate.suspension for select to keygate_keysmith using (true);
-- a row is locked by whoever might change it
create policy keygate_exchange_connections_lock on public.exchange_connections for update to keygate_keysmith
    using (true) with check (false);

grant insert on public.exchange_api_calls to keygate_keysmith;
grant select, insert, update (state, changed_at, ask_at) on keygate.reservation to keygate_keysmith;
grant insert, update (used) on keygate.spend_window to keygate_keysmith;
grant select, insert on keygate.used_signature to keygate_keysmith;
grant select, insert, update (calls) on keygate.use_count to keygate_keysmith;
grant select on keygate.suspension, keygate.panic to keygate_keysmith;
grant select, update (api_key_last_used) on public.exchange_connections to keygate_keysmith;

-- The users of these contexts, in their order. Afterwards the transaction acts for the first of them.
create function keygate.prove(p_contexts text[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    users uuid[] := '{}';
begin
    for turn in reverse cardinality(p_contexts)..1 loop
        perform set_config('keygate.ctx', p_contexts[turn], true);
        users := keygate.uid() || users;
    end loop;
    if cardinality(users) = 0 or array_position(users, null) is not null then
        raise insufficient_privilege using message = 'no context';
    end if;
    return users;
end
$$;
grant execute on function keygate.prove(text[]) to keygate_keysmith;

set local role keygate_keysmith;
drop function keygate.lock_audit_heads(text[]);
set local role keygate_owner;
drop function keygate.open_calls(
    uuid, uuid[], uuid[], text[], timestamptz[], uuid[], bytea[], timestamptz[], timestamptz[], uuid[], timestamptz,
    uuid[], text[], date[]);
drop function keygate.lock_chains(text[], uuid[], text[], date[]);

-- The chains of these users, locked until commit, and how often keys were used so far: counters only change while the chains
-- are locked. One element for each chain, and one for each counter that was asked for, 0 if there is none. A chain nobody has
-- appended to yet begins here.
create function keygate.chains_of(
    p_users uuid[],
    p_logs text[],
    p_keys uuid[],
    p_periods text[],
    p_days date[],
    out users uuid[],
    out logs text[],
    out seqs bigint[],
    out macs bytea[],
    out calls int[]
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    for turn in 1..2 loop
        select array_agg(h.user_id), array_agg(h.log), array_agg(h.seq), array_agg(h.mac) into users, logs, seqs, macs
            from (select own.user_id, own.log, own.seq, own.mac from keygate.audit_head own
                  where own.user_id = any (p_users) and own.log = any (p_logs)
                  order by own.user_id, own.log for no key update) h;
        exit when cardinality(logs) = cardinality(p_users) * cardinality(p_logs);
        insert into keygate.audit_head (user_id, log, seq, mac)
            select u, l, 0, decode(repeat('00', 32), 'hex') from unnest(p_users) u, unnest(p_logs) l order by u, l
            on conflict do nothing;
    end loop;
    select array_agg(coalesce(c.calls, 0) order by k.n) into calls
        from unnest(p_keys, p_periods, p_days) with ordinality as k (api_key_id, kind, starts_at, n)
        left join keygate.use_count c
            on c.api_key_id = k.api_key_id and c.kind = k.kind and c.starts_at = k.starts_at and c.user_id = any (p_users);
end
$$;
grant execute on function keygate.chains_of(uuid[], text[], uuid[], text[], date[]) to keygate_keysmith;

-- The same of the user whom the transaction acts for.
create function keygate.lock_chains(
    p_logs text[],
    p_keys uuid[],
    p_periods text[],
    p_days date[],
    out users uuid[],
    out logs text[],
    out seqs bigint[],
    out macs bytea[],
    out calls int[]
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    own uuid[] := keygate.prove(array[current_setting('keygate.ctx', true)]);
begin
    select l.users, l.logs, l.seqs, l.macs, l.calls into users, logs, seqs, macs, calls
        from keygate.chains_of(own, p_logs, p_keys, p_periods, p_days) l;
end
$$;
grant execute on function keygate.lock_chains(text[], uuid[], text[], date[]) to authenticated, keygate_signer;
alter function keygate.lock_chains(text[], uuid[], text[], date[]) owner to keygate_keysmith;

-- Everything that is decided on, with every lock that takes, in the order everybody takes them: connections, windows,
-- signatures, chains.
create function keygate.open_calls(
    p_contexts text[],
    -- connections of the calls
    p_connections uuid[],
    -- windows, and which of the users each belongs to; one that nobody has used yet begins here
    p_windows uuid[],
    p_window_users int[],
    p_kinds text[],
    p_starts timestamptz[],
    -- signatures, which are used up here
    p_signers uuid[],
    p_signer_users int[],
    p_signatures bytea[],
    p_signed_at timestamptz[],
    p_forget_after timestamptz[],
    -- connections whose positions are limited, and the oldest look at one of them
    p_limited uuid[],
    p_since timestamptz,
    -- counters
    p_counted uuid[],
    p_periods text[],
    p_days date[],
    -- how much of each window is used, in the order of the windows
    out used numeric[],
    -- signatures nobody had used
    out fresh_signers uuid[],
    out fresh_signatures bytea[],
    -- whose connections stand still, null for everybody and for all of them; access keys that are suspended
    out stopped_users uuid[],
    out stopped uuid[],
    out suspended uuid[],
    -- purchases a look may not have seen
    out bought_by uuid[],
    out bought text[],
    out bought_usd numeric[],
    out bought_at timestamptz[],
    out bought_confirmed_at timestamptz[],
    -- chains
    out users uuid[],
    out logs text[],
    out seqs bigint[],
    out macs bytea[],
    out calls int[]
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    own uuid[] := keygate.prove(p_contexts);
begin
    if cardinality(p_connections) > 0 then
        -- reservations will refer to them
        perform from public.exchange_connections c
            where c.id = any (p_connections) and c.user_id = any (own) order by c.id for key share;
    end if;
    if cardinality(p_windows) > 0 then
        with mine as (
            insert into keygate.spend_window as w (connection_id, kind, starts_at, user_id, used)
            select k.connection_id, k.kind, k.starts_at, own[k.of_user], 0
            from unnest(p_windows, p_window_users, p_kinds, p_starts) as k (connection_id, of_user, kind, starts_at)
            on conflict (connection_id, kind, starts_at) do update set used = w.used where w.user_id = excluded.user_id
            returning w.connection_id, w.kind, w.starts_at, w.used)
        select array_agg(mine.used order by k.n) into open_calls.used
            from unnest(p_windows, p_kinds, p_starts) with ordinality as k (connection_id, kind, starts_at, n)
            join mine using (connection_id, kind, starts_at);
        if cardinality(open_calls.used) is distinct from cardinality(p_windows) then
            raise insufficient_privilege using message = 'a window of somebody else';
        end if;
    end if;
    if cardinality(p_signers) > 0 then
        with mine as (
            insert into keygate.used_signature as s (access_key_id, signature_id, user_id, used_at, forget_after)
            select k.signer, k.signature, own[k.of_user], k.signed_at, k.forget_after
            from unnest(p_signers, p_signer_users, p_signatures, p_signed_at, p_forget_after)
                as k (signer, of_user, signature, signed_at, forget_after)
            on conflict do nothing returning s.access_key_id, s.signature_id)
        select array_agg(mine.access_key_id), array_agg(mine.signature_id) into fresh_signers, fresh_signatures from mine;
    end if;
    if cardinality(p_connections) > 0 then
        -- after the windows are locked, so that a stop committed before this transaction began is never missed
        select array_agg(p.user_id), array_agg(p.connection_id) into stopped_users, stopped from keygate.panic p
            where p.ended_at is null and (p.user_id = any (own) or p.user_id is null);
        select array_agg(s.access_key_id) into suspended from keygate.suspension s
            where s.user_id = any (own) and s.confirmed_at is null;
    end if;
    if cardinality(p_limited) > 0 then
        select array_agg(r.connection_id), array_agg(r.buys), array_agg(r.usd), array_agg(r.made_at),
                array_agg(case r.state when 'confirmed' then r.changed_at end)
            into bought_by, bought, bought_usd, bought_at, bought_confirmed_at
            from keygate.reservation r
            where r.connection_id = any (p_limited) and r.user_id = any (own)
                and r.made_at >= p_since - interval '1 day' and r.buys is not null and r.usd is not null
                and (r.state in ('reserved', 'sent', 'unknown') or r.state = 'confirmed' and r.changed_at >= p_since);
    end if;
    if cardinality(p_counted) > 0 then
        select l.users, l.logs, l.seqs, l.macs, l.calls
            into open_calls.users, open_calls.logs, open_calls.seqs, open_calls.macs, open_calls.calls
            from keygate.chains_of(own, array['api_key_usage_audit', 'exchange_api_calls'], p_counted, p_periods, p_days) l;
    end if;
end
$$;
grant execute on function keygate.open_calls(
    text[], uuid[], uuid[], int[], text[], timestamptz[], uuid[], int[], bytea[], timestamptz[], timestamptz[], uuid[],
    timestamptz, uuid[], text[], date[]) to keygate_signer;
alter function keygate.open_calls(
    text[], uuid[], uuid[], int[], text[], timestamptz[], uuid[], int[], bytea[], timestamptz[], timestamptz[], uuid[],
    timestamptz, uuid[], text[], date[]) owner to keygate_keysmith;

-- One order or withdrawal whose money is set aside, as the gateway tells it.
create type keygate.held_call as (
    request_id      uuid,
    place           int2,
    user_id         uuid,
    connection_id   uuid,
    api_key_id      uuid,
    access_key_id   uuid,
    kind            text,
    exchange        text,
    environment     text,
    symbol          text,
    buys            text,
    client_order_id text,
    usd             numeric,
    question        text,
    made_at         timestamptz,
    ask_at          timestamptz
);
grant usage on type keygate.held_call to keygate_signer, keygate_keysmith;
grant usage on type keygate.call_record to keygate_keysmith;

-- Everything that was decided: windows, reservations, counters and both logs.
create function keygate.write_calls(
    p_contexts text[],
    p_at timestamptz,
    -- what windows have come to
    p_windows uuid[],
    p_kinds text[],
    p_starts timestamptz[],
    p_used numeric[],
    p_held keygate.held_call[],
    -- requests that left, and those the exchange said yes to
    p_sent uuid[],
    p_confirmed uuid[],
    p_lines keygate.call_record[],
    -- what counters of the lines' keys have come to
    p_counted uuid[],
    p_periods text[],
    p_days date[],
    p_calls int[]
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    own uuid[] := keygate.prove(p_contexts);
begin
    if exists (select from unnest(p_held) h where h.user_id = any (own) is not true)
        or exists (select from unnest(p_lines) l where l.user_id = any (own) is not true)
    then
        raise insufficient_privilege using message = 'a record of somebody else';
    end if;
    if cardinality(p_confirmed) > 0 then
        update keygate.reservation r set state = 'confirmed', changed_at = p_at, ask_at = null
            where r.request_id = any (p_confirmed) and r.user_id = any (own) and r.state in ('reserved', 'sent', 'unknown');
    end if;
    if cardinality(p_windows) > 0 then
        update keygate.spend_window w set used = k.used
            from unnest(p_windows, p_kinds, p_starts, p_used) as k (connection_id, kind, starts_at, used)
            where w.connection_id = k.connection_id and w.kind = k.kind and w.starts_at = k.starts_at
                and w.user_id = any (own);
    end if;
    if cardinality(p_held) > 0 then
        insert into keygate.reservation (request_id, place, user_id, connection_id, api_key_id, access_key_id, kind,
                exchange, environment, symbol, buys, client_order_id, usd, question, state, made_at, changed_at, ask_at)
            select request_id, place, user_id, connection_id, api_key_id, access_key_id, kind,
                exchange, environment, symbol, buys, client_order_id, usd, question::jsonb, 'reserved', made_at, made_at, ask_at
            from unnest(p_held);
    end if;
    if cardinality(p_sent) > 0 then
        update keygate.reservation r set state = 'sent', changed_at = p_at
            where r.request_id = any (p_sent) and r.user_id = any (own) and r.state = 'reserved';
    end if;
    if cardinality(p_counted) > 0 then
        insert into keygate.use_count as c (api_key_id, kind, starts_at, user_id, calls)
            select k.api_key_id, k.kind, k.starts_at, l.user_id, k.calls
            from unnest(p_counted, p_periods, p_days, p_calls) as k (api_key_id, kind, starts_at, calls)
            join (select distinct api_key_id, user_id from unnest(p_lines)) l using (api_key_id)
            on conflict (api_key_id, kind, starts_at) do update set calls = excluded.calls where c.user_id = excluded.user_id;
    end if;
    if cardinality(p_lines) > 0 then
        with line as materialized (select * from unnest(p_lines)),
            audit as (
                insert into public.api_key_usage_audit (id, created_at, user_id, api_key_id, operation_type, endpoint, http_method,
                    ip_address, user_agent, status_code, success, error_message, request_id, phase, access_key_id,
                    bot_id, exchange, symbol, class, decision, rule, device_fingerprint, daily_usage_count,
                    monthly_usage_count, risk_score, is_suspicious, suspicious_reasons, chain_seq, chain_key, chain_mac)
                select id, at, user_id, api_key_id, case decision when 'deny' then 'deny' else 'use' end, endpoint, method,
                    ip, agent, status, success, error, request_id, phase, access_key_id,
                    bot_id, exchange, symbol, class, decision, rule, device, daily,
                    monthly, score, suspicious, reasons, use_seq, chain_key, use_mac
                from line)
            -- what was refused is no call to an exchange
            insert into public.exchange_api_calls (id, connection_id, user_id, endpoint, method, parameters, status_code,
                response_time_ms, success, error_message, ip_address, user_agent, created_at, request_id, phase,
                chain_seq, chain_key, chain_mac)
            select id, connection_id, user_id, endpoint, method, summary::json, status,
                took_ms, success, error, address, agent, at at time zone 'UTC', request_id, phase,
                call_seq, chain_key, call_mac
            from line where decision = 'allow';
    end if;
end
$$;
grant execute on function keygate.write_calls(
    text[], timestamptz, uuid[], text[], timestamptz[], numeric[], keygate.held_call[], uuid[], uuid[],
    keygate.call_record[], uuid[], text[], date[], int[]) to keygate_signer;
alter function keygate.write_calls(
    text[], timestamptz, uuid[], text[], timestamptz[], numeric[], keygate.held_call[], uuid[], uuid[],
    keygate.call_record[], uuid[], text[], date[], int[]) owner to keygate_keysmith;

-- What a withdrawal or an order gives back is its own user's.
set local role keygate_keysmith;
create or replace function keygate.settle_reservation(p_request_id uuid, p_place int2, p_happened bool, p_at timestamptz)
returns bool
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    own record;
begin
    update keygate.reservation r
        set state = case when p_happened then 'confirmed' else 'rejected' end, changed_at = p_at, ask_at = null
        where r.request_id = p_request_id and r.place = p_place and r.user_id = keygate.uid() and r.state = 'unknown'
        returning r.user_id, r.connection_id, r.kind, r.made_at, r.usd into own;
    if not found then
        return false;
    end if;
    if p_happened or own.usd is null then
        return true;
    end if;
    update keygate.spend_window w set used = greatest(w.used - own.usd, 0)
        where w.connection_id = own.connection_id and w.user_id = own.user_id
            and w.kind = own.kind || '-day' and w.starts_at = date_trunc('day', own.made_at, 'UTC');
    update keygate.spend_window w set used = greatest(w.used - own.usd, 0)
        where w.connection_id = own.connection_id and w.user_id = own.user_id
            and w.kind = own.kind || '-month' and w.starts_at = date_trunc('month', own.made_at, 'UTC');
    return true;
end
$$;
set local role keygate_owner;
