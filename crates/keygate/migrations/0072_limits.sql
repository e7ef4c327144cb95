-- How much of its limits each connection has used, and what was set aside for which call. The gateway counts here and
-- nowhere else; the limits themselves stand with the key and the connection, and its role cannot change them.

-- One row for a limit and a window of time. Whoever adds to `used` holds the row until commit, so that two calls on two
-- replicas cannot both take the last dollar.
create table keygate.spend_window (
    connection_id uuid not null,
    kind text not null constraint spend_window_kind_check check (
        kind in ('trade-day', 'withdraw-day', 'withdraw-month', 'requests-minute', 'requests-hour', 'requests-day')
    ),
    starts_at timestamptz not null,
    user_id uuid not null references public.users (id) on delete cascade,
    -- dollars, or requests
    used numeric not null constraint spend_window_used_check check (used >= 0 and used < 'Infinity'),
    constraint spend_window_pkey primary key (connection_id, kind, starts_at),
    constraint spend_window_connection_id_fkey foreign key (connection_id, user_id)
        references public.exchange_connections (id, user_id) on delete cascade
) with (fillfactor = 50);
create index spend_window_user_id_idx on keygate.spend_window (user_id);
create index spend_window_starts_at_idx on keygate.spend_window (starts_at);

-- What an order or a withdrawal may cost at most, from before it is signed until it is known what became of it.
create table keygate.reservation (
    request_id uuid not null,
    -- which order of a batch; 0 for the only one
    place smallint not null,
    user_id uuid not null references public.users (id) on delete cascade,
    connection_id uuid not null,
    api_key_id uuid not null,
    access_key_id uuid not null,
    kind text not null constraint reservation_kind_check check (kind in ('trade', 'withdraw')),
    exchange text not null,
    environment text not null,
    symbol text,
    -- what a purchase would add to: its position may be limited
    buys text,
    client_order_id text,
    -- what the exchange is asked by: endpoint, market, quantity; null where it cannot be asked
    question jsonb,
    -- null: nothing about this call is limited in dollars, so it was not valued
    usd numeric constraint reservation_usd_check check (usd >= 0 and usd < 'Infinity'),
    state text not null constraint reservation_state_check check (
        state in ('reserved', 'sent', 'confirmed', 'rejected', 'unknown')
    ),
    made_at timestamptz not null,
    changed_at timestamptz not null,
    -- when the exchange is asked next; null once it is settled, or cannot be asked
    ask_at timestamptz,
    asked int not null default 0,
    constraint reservation_pkey primary key (request_id, place),
    constraint reservation_connection_id_fkey foreign key (connection_id, user_id)
        references public.exchange_connections (id, user_id) on delete cascade
) with (fillfactor = 70);
create index reservation_user_id_idx on keygate.reservation (user_id, made_at desc);
create index reservation_connection_id_idx on keygate.reservation (connection_id, made_at desc);
create index reservation_open_idx on keygate.reservation (ask_at) where ask_at is not null;

create trigger spend_window_keep_user_id before update on keygate.spend_window
    for each row execute function keygate.keep_user_id();
create trigger reservation_keep_user_id before update on keygate.reservation
    for each row execute function keygate.keep_user_id();

alter table keygate.spend_window enable row level security;
alter table keygate.spend_window force row level security;
alter table keygate.reservation enable row level security;
alter table keygate.reservation force row level security;

create policy keygate_spend_window_select on keygate.spend_window for select to authenticated, keygate_signer
    using (user_id = (select keygate.uid()));
create policy keygate_spend_window_insert on keygate.spend_window for insert to keygate_signer
    with check (user_id = (select keygate.uid()));
create policy keygate_spend_window_update on keygate.spend_window for update to keygate_signer
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy keygate_spend_window_service on keygate.spend_window for all to service_role
    using (starts_at < now() - interval '100 days') with check (false);
create policy keygate_reservation_select on keygate.reservation for select to authenticated, keygate_signer
    using (user_id = (select keygate.uid()));
create policy keygate_reservation_insert on keygate.reservation for insert to keygate_signer
    with check (user_id = (select keygate.uid()));
create policy keygate_reservation_update on keygate.reservation for update to keygate_signer
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
-- ids and owners of what is not settled (column grant)
create policy keygate_reservation_keysmith on keygate.reservation for select to keygate_keysmith using (true);

grant select on keygate.spend_window, keygate.reservation to authenticated;
grant select, insert, update (used) on keygate.spend_window to keygate_signer;
grant select (starts_at), delete on keygate.spend_window to service_role;
grant select, insert, update (state, changed_at, ask_at, asked) on keygate.reservation to keygate_signer;
grant select (request_id, place, user_id, ask_at) on keygate.reservation to keygate_keysmith;

-- What the exchange should be asked about now. The job learns whose they are and then acts as each of them.
create function keygate.list_unsettled(p_at timestamptz, p_most int)
returns table (request_id uuid, place smallint, user_id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select r.request_id, r.place, r.user_id from keygate.reservation r
    where r.ask_at <= p_at order by r.ask_at limit p_most;
$$;
grant execute on function keygate.list_unsettled(timestamptz, int) to service_role;
alter function keygate.list_unsettled(timestamptz, int) owner to keygate_keysmith;

-- Limits that were raised and are not in force yet: one row for each member of a connection's limits.
create table keygate.pending_limit (
    connection_id uuid not null,
    member text not null constraint pending_limit_member_check check (member ~ '^[a-z_]{1,40}$'),
    user_id uuid not null references public.users (id) on delete cascade,
    value jsonb not null,
    asked_at timestamptz not null,
    effective_at timestamptz not null,
    constraint pending_limit_pkey primary key (connection_id, member),
    constraint pending_limit_connection_id_fkey foreign key (connection_id, user_id)
        references public.exchange_connections (id, user_id) on delete cascade,
    constraint pending_limit_effective_at_check check (effective_at >= asked_at)
);
create index pending_limit_user_id_idx on keygate.pending_limit (user_id);
create index pending_limit_effective_at_idx on keygate.pending_limit (effective_at);

-- How long a user's raised limits wait. A shorter wait waits itself.
create table keygate.loosening_delay (
    user_id uuid not null references public.users (id) on delete cascade,
    seconds int not null constraint loosening_delay_seconds_check check (seconds between 0 and 2592000),
    next_seconds int constraint loosening_delay_next_seconds_check check (next_seconds between 0 and 2592000),
    next_at timestamptz,
    constraint loosening_delay_pkey primary key (user_id),
    constraint loosening_delay_next_check check ((next_seconds is null) = (next_at is null))
);

create trigger pending_limit_keep_user_id before update on keygate.pending_limit
    for each row execute function keygate.keep_user_id();
create trigger loosening_delay_keep_user_id before update on keygate.loosening_delay
    for each row execute function keygate.keep_user_id();

alter table keygate.pending_limit enable row level security;
alter table keygate.pending_limit force row level security;
alter table keygate.loosening_delay enable row level security;
alter table keygate.loosening_delay force row level security;

create policy keygate_pending_limit_own on keygate.pending_limit for all to authenticated
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy keygate_pending_limit_keysmith on keygate.pending_limit for select to keygate_keysmith using (true);
create policy keygate_loosening_delay_own on keygate.loosening_delay for all to authenticated
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));

grant select, insert, update, delete on keygate.pending_limit to authenticated;
grant select, insert, update on keygate.loosening_delay to authenticated;
grant select (connection_id, user_id, effective_at) on keygate.pending_limit to keygate_keysmith;

create function keygate.list_due_limits(p_at timestamptz) returns table (connection_id uuid, user_id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select distinct p.connection_id, p.user_id from keygate.pending_limit p
    where p.effective_at <= p_at order by p.user_id, p.connection_id;
$$;
grant execute on function keygate.list_due_limits(timestamptz) to service_role;
alter function keygate.list_due_limits(timestamptz) owner to keygate_keysmith;

-- A limit of a connection is in every replica's mind at once, as those of the key are.
drop trigger exchange_connections_announce on public.exchange_connections;
create trigger exchange_connections_announce after insert or delete or update of
    name, exchange_type, environment, is_default, is_enabled, encrypted_api_key, encrypted_secret_key,
    encrypted_passphrase, base_url, rate_limit, timeout_seconds, retry_attempts, allowed_symbols, blocked_symbols,
    daily_withdraw_limit, monthly_withdraw_limit, max_position_size, max_leverage, max_daily_loss,
    stop_loss_percentage, api_key_id, credential_id, deleted_at
    on public.exchange_connections for each row execute function keygate.announce();

-- A limit that is negative or NaN compares as it likes.
alter table public.exchange_connections add constraint exchange_connections_limits_check check (
    coalesce(daily_withdraw_limit, 0) between 0 and 1e18
    and coalesce(monthly_withdraw_limit, 0) between 0 and 1e18
    and coalesce(max_position_size, 0) between 0 and 1e18
    and coalesce(max_daily_loss, 0) between 0 and 1e18
    and coalesce(max_leverage, 0) between 0 and 1000
    and coalesce(stop_loss_percentage, 0) between 0 and 100
);

-- Signatures of many calls are used up in one statement, which then says which of them were new.
create policy keygate_used_signature_select on keygate.used_signature for select to keygate_signer
    using (user_id = (select keygate.uid()));
grant select (access_key_id, signature_id, user_id) on keygate.used_signature to keygate_signer;
