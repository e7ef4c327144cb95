-- What stands still was read before the chains were locked: whoever waited there for a stop to be committed had looked already,
-- and set money aside after it. Now it is read behind the locks.

-- The lock of a stop of the whole site: shared by whoever sets money aside, alone for whoever stops.
create function keygate.site_stop() returns bigint
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 7263014908211 $$;
revoke all on function keygate.site_stop() from public;
grant execute on function keygate.site_stop() to keygate_keysmith;

create function keygate.lock_site() returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select pg_advisory_xact_lock(keygate.site_stop()) where keygate.administers()
$$;
revoke all on function keygate.lock_site() from public;
grant execute on function keygate.lock_site() to keygate_admin;
alter function keygate.lock_site() owner to keygate_keysmith;

-- Only who administers the site stops it, whatever statement is smuggled in.
alter policy keygate_panic_site_insert on keygate.panic
    with check (user_id is null and started_by = (select keygate.uid()) and (select keygate.administers()));
alter policy keygate_panic_site_update on keygate.panic
    using (user_id is null and (select keygate.administers())) with check (user_id is null);

set local role keygate_keysmith;
-- Everything that is decided on, with every lock that takes, in the order everybody takes them: connections, windows,
-- signatures, chains. What stands still is read last.
create or replace function keygate.open_calls(
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
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on
-- one that waits holds up everybody's calls: it is left out, and comes again
set lock_timeout = '2s' as $$
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
    if cardinality(p_connections) > 0 then
        -- after the chains are locked: whoever stops a user appends to the user's chain first, so its stop is either committed
        -- here, or comes after the records of these calls. Whoever stops everybody waits for all of us.
        perform pg_advisory_xact_lock_shared(keygate.site_stop());
        select array_agg(p.user_id), array_agg(p.connection_id) into stopped_users, stopped from keygate.panic p
            where p.ended_at is null and (p.user_id = any (own) or p.user_id is null);
        select array_agg(s.access_key_id) into suspended from keygate.suspension s
            where s.user_id = any (own) and s.confirmed_at is null;
    end if;
end
$$;

create or replace function keygate.sum_sweeps()
returns table (connections bigint, ended bigint, found bigint, cancelled bigint, still_open bigint, problems bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select count(*), count(*) filter (where s.ended_at is not null), coalesce(sum(s.found), 0),
        coalesce(sum(s.cancelled), 0), coalesce(sum(jsonb_array_length(s.still_open)), 0), count(s.problem)
    from keygate.panic p
    cross join public.exchange_connections c
    left join keygate.order_sweep s on s.panic_id = p.id and s.connection_id = c.id and s.asked_at = p.cancel_asked_at
    where p.user_id is null and p.ended_at is null and p.cancel_asked_at is not null and c.destroy_after is null
        and (select keygate.administers());
$$;
set local role keygate_owner;

-- What a position is made of, and what left today, are looked up for every order: not among all orders of the day.
create index reservation_open_purchases_idx on keygate.reservation (connection_id)
    where buys is not null and usd is not null and state in ('reserved', 'sent', 'unknown');
create index reservation_purchases_idx on keygate.reservation (connection_id, changed_at)
    where buys is not null and usd is not null and state = 'confirmed';
create index reservation_withdrawals_idx on keygate.reservation (connection_id, made_at) where kind = 'withdraw';

-- What is settled is forgotten with its windows; both logs keep it.
create policy keygate_reservation_forget_select on keygate.reservation for select to service_role
    using (state in ('confirmed', 'rejected') and made_at < now() - interval '100 days');
create policy keygate_reservation_forget on keygate.reservation for delete to service_role
    using (state in ('confirmed', 'rejected') and made_at < now() - interval '100 days');
grant select (made_at, state), delete on keygate.reservation to service_role;
