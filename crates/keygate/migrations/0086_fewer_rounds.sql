-- An order waits for as many round trips as its transaction has. What the gateway locks and reads for one user's calls
-- is one statement. All of this runs with the rights of its caller; a statement in here sees what was committed while
-- the one before it waited for a lock.

-- The chains of the user of the context, locked until commit, and how often keys were used so far: counters only change
-- while the chains are locked. One element for each chain, and one for each counter that was asked for, 0 if there is none.
create function keygate.lock_chains(
    p_logs text[],
    p_keys uuid[],
    p_periods text[],
    p_days date[],
    out user_id uuid,
    out logs text[],
    out seqs bigint[],
    out macs bytea[],
    out calls int[]
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    select (array_agg(h.user_id))[1], array_agg(h.log), array_agg(h.seq), array_agg(h.mac)
        into user_id, logs, seqs, macs
        from keygate.lock_audit_heads(p_logs) h;
    select array_agg(coalesce(c.calls, 0) order by k.n) into calls
        from unnest(p_keys, p_periods, p_days) with ordinality as k (api_key_id, kind, starts_at, n)
        left join keygate.use_count c using (api_key_id, kind, starts_at);
end
$$;
grant execute on function keygate.lock_chains(text[], uuid[], text[], date[]) to authenticated, keygate_signer;

-- Times of last use. Connections, then keys, then access keys, each in the order of their ids: whoever changes several of
-- these rows locks them in this order, or two of them could wait for each other.
create function keygate.touch_used(
    p_connections uuid[], p_keys uuid[], p_access_keys uuid[], p_addresses inet[], p_at timestamptz
) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    with mine as (select id from public.exchange_connections where id = any (p_connections) order by id for no key update)
    update public.exchange_connections c set api_key_last_used = p_at at time zone 'UTC' from mine where c.id = mine.id;
    with mine as (select id from public.api_keys where id = any (p_keys) order by id for no key update)
    update public.api_keys k set last_used = p_at from mine where k.id = mine.id;
    with mine as (select id from public.access_keys where id = any (p_access_keys) order by id for no key update)
    update public.access_keys a set last_used_at = p_at, last_used_address = k.address
    from mine join (
        select distinct on (id) id, address from unnest(p_access_keys, p_addresses) with ordinality as k (id, address, n)
        order by id, n desc
    ) k on k.id = mine.id
    where a.id = mine.id;
end
$$;
grant execute on function keygate.touch_used(uuid[], uuid[], uuid[], inet[], timestamptz) to keygate_signer;

-- Everything that is decided on, with every lock that takes, in the order everybody takes them: connections, windows,
-- signatures, chains.
create function keygate.open_calls(
    p_user uuid,
    -- connections of the calls
    p_connections uuid[],
    -- windows; one that nobody has used yet begins here
    p_windows uuid[],
    p_kinds text[],
    p_starts timestamptz[],
    -- signatures, which are used up here
    p_signers uuid[],
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
    -- connections that stand still, null for all of them; access keys that are suspended
    out stopped uuid[],
    out suspended uuid[],
    -- purchases a look may not have seen
    out bought_by uuid[],
    out bought text[],
    out bought_usd numeric[],
    out bought_at timestamptz[],
    out bought_confirmed_at timestamptz[],
    out user_id uuid,
    out logs text[],
    out seqs bigint[],
    out macs bytea[],
    out calls int[]
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if cardinality(p_connections) > 0 then
        -- reservations will refer to them
        perform from public.exchange_connections c where c.id = any (p_connections) order by c.id for key share;
    end if;
    if cardinality(p_windows) > 0 then
        with own as (
            insert into keygate.spend_window as w (connection_id, kind, starts_at, user_id, used)
            select k.connection_id, k.kind, k.starts_at, p_user, 0
            from unnest(p_windows, p_kinds, p_starts) as k (connection_id, kind, starts_at)
            on conflict (connection_id, kind, starts_at) do update set used = w.used
            returning w.connection_id, w.kind, w.starts_at, w.used)
        select array_agg(own.used order by k.n) into open_calls.used
            from unnest(p_windows, p_kinds, p_starts) with ordinality as k (connection_id, kind, starts_at, n)
            join own using (connection_id, kind, starts_at);
    end if;
    if cardinality(p_signers) > 0 then
        with own as (
            insert into keygate.used_signature as s (access_key_id, signature_id, user_id, used_at, forget_after)
            select k.signer, k.signature, p_user, k.signed_at, k.forget_after
            from unnest(p_signers, p_signatures, p_signed_at, p_forget_after) as k (signer, signature, signed_at, forget_after)
            on conflict do nothing returning s.access_key_id, s.signature_id)
        select array_agg(own.access_key_id), array_agg(own.signature_id) into fresh_signers, fresh_signatures from own;
    end if;
    if cardinality(p_connections) > 0 then
        -- after the windows are locked, so that a stop committed before this transaction began is never missed
        select array_agg(p.connection_id) into stopped from keygate.panic p where p.ended_at is null;
        select array_agg(s.access_key_id) into suspended from keygate.suspension s where s.confirmed_at is null;
    end if;
    if cardinality(p_limited) > 0 then
        select array_agg(r.connection_id), array_agg(r.buys), array_agg(r.usd), array_agg(r.made_at),
                array_agg(case r.state when 'confirmed' then r.changed_at end)
            into bought_by, bought, bought_usd, bought_at, bought_confirmed_at
            from keygate.reservation r
            where r.connection_id = any (p_limited) and r.made_at >= p_since - interval '1 day' and r.buys is not null
                and r.usd is not null
                and (r.state in ('reserved', 'sent', 'unknown') or r.state = 'confirmed' and r.changed_at >= p_since);
    end if;
    if cardinality(p_counted) > 0 then
        select l.user_id, l.logs, l.seqs, l.macs, l.calls
            into open_calls.user_id, open_calls.logs, open_calls.seqs, open_calls.macs, open_calls.calls
            from keygate.lock_chains(array['api_key_usage_audit', 'exchange_api_calls'], p_counted, p_periods, p_days) l;
    end if;
end
$$;
grant execute on function keygate.open_calls(
    uuid, uuid[], uuid[], text[], timestamptz[], uuid[], bytea[], timestamptz[], timestamptz[], uuid[], timestamptz,
    uuid[], text[], date[]) to keygate_signer;
