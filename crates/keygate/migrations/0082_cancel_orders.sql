-- A stop may ask that open orders are taken back. The row of the panic says so from its commit on; whoever of the replicas has
-- time takes connection by connection, and another one goes on where a process died.

alter table keygate.panic add column cancel_asked_at timestamptz;
grant update (cancel_asked_at) on keygate.panic to authenticated;

-- What became of the open orders of one connection.
create table keygate.order_sweep (
    panic_id uuid not null,
    connection_id uuid not null,
    user_id uuid not null references public.users (id) on delete cascade,
    -- which wish this answers: a later one starts anew
    asked_at timestamptz not null,
    -- who has taken it is given up by then
    taken_until timestamptz not null,
    ended_at timestamptz,
    found int not null default 0 constraint order_sweep_found_check check (found >= 0),
    cancelled int not null default 0 constraint order_sweep_cancelled_check check (cancelled >= 0),
    -- filled or taken back by somebody else meanwhile
    gone int not null default 0 constraint order_sweep_gone_check check (gone >= 0),
    -- orders that are open still, and why: [{"order": …, "market": …, "reason": …}]
    still_open jsonb not null default '[]',
    -- why it could not be done, or not wholly
    problem text,
    -- what was not looked at
    note text,
    constraint order_sweep_pkey primary key (panic_id, connection_id),
    constraint order_sweep_connection_id_fkey foreign key (connection_id, user_id)
        references public.exchange_connections (id, user_id) on delete cascade,
    constraint order_sweep_still_open_check check (jsonb_typeof(still_open) = 'array')
);
create index order_sweep_user_id_idx on keygate.order_sweep (user_id);
create index order_sweep_connection_id_idx on keygate.order_sweep (connection_id);

create trigger order_sweep_keep_user_id before update on keygate.order_sweep
    for each row execute function keygate.keep_user_id();

alter table keygate.order_sweep enable row level security;
alter table keygate.order_sweep force row level security;

create policy keygate_order_sweep_select on keygate.order_sweep for select to authenticated, keygate_signer
    using (user_id = (select keygate.uid()));
create policy keygate_order_sweep_insert on keygate.order_sweep for insert to keygate_signer
    with check (user_id = (select keygate.uid()));
create policy keygate_order_sweep_update on keygate.order_sweep for update to keygate_signer
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
-- for the list of what is due and the sums below (column grants)
create policy keygate_order_sweep_keysmith on keygate.order_sweep for select to keygate_keysmith using (true);
create policy keygate_panic_keysmith on keygate.panic for select to keygate_keysmith using (true);

grant select on keygate.order_sweep to authenticated;
grant select, insert, update (asked_at, taken_until, ended_at, found, cancelled, gone, still_open, problem, note)
    on keygate.order_sweep to keygate_signer;
grant select (panic_id, connection_id, asked_at, taken_until, ended_at, found, cancelled, still_open, problem)
    on keygate.order_sweep to keygate_keysmith;
grant select (id, user_id, connection_id, cancel_asked_at, ended_at) on keygate.panic to keygate_keysmith;

-- Connections whose open orders are to be taken back and that nobody works on. The job learns whose they are and then acts as
-- each of them.
create function keygate.list_due_sweeps(p_at timestamptz, p_most int)
returns table (panic_id uuid, connection_id uuid, user_id uuid, asked_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select p.id, c.id, c.user_id, p.cancel_asked_at
    from keygate.panic p
    join public.exchange_connections c
        on (p.user_id is null or c.user_id = p.user_id) and (p.connection_id is null or c.id = p.connection_id)
    left join keygate.order_sweep s on s.panic_id = p.id and s.connection_id = c.id
    where p.ended_at is null and p.cancel_asked_at is not null and c.destroy_after is null
        and (s.panic_id is null or s.asked_at < p.cancel_asked_at or (s.ended_at is null and s.taken_until <= p_at))
    order by p.cancel_asked_at, c.id limit p_most;
$$;
grant execute on function keygate.list_due_sweeps(timestamptz, int) to service_role;
alter function keygate.list_due_sweeps(timestamptz, int) owner to keygate_keysmith;

-- What has become of a stop of the whole site, for whoever runs it: sums, and nothing of anybody's orders.
create function keygate.sum_sweeps()
returns table (connections bigint, ended bigint, found bigint, cancelled bigint, still_open bigint, problems bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select count(*), count(*) filter (where s.ended_at is not null), coalesce(sum(s.found), 0),
        coalesce(sum(s.cancelled), 0), coalesce(sum(jsonb_array_length(s.still_open)), 0), count(s.problem)
    from keygate.panic p
    cross join public.exchange_connections c
    left join keygate.order_sweep s on s.panic_id = p.id and s.connection_id = c.id and s.asked_at = p.cancel_asked_at
    where p.user_id is null and p.ended_at is null and p.cancel_asked_at is not null and c.destroy_after is null;
$$;
grant execute on function keygate.sum_sweeps() to keygate_admin;
alter function keygate.sum_sweeps() owner to keygate_keysmith;
