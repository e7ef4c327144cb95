-- What the limits need to know of an account beyond what was spent.

-- What an account was worth at the first look of a day (UTC): all replicas measure the day's loss from here.
create table keygate.day_worth (
    connection_id uuid not null,
    day date not null,
    user_id uuid not null references public.users (id) on delete cascade,
    usd numeric not null constraint day_worth_usd_check check (usd > '-Infinity' and usd < 'Infinity'),
    seen_at timestamptz not null,
    -- since when too much is lost: orders stay refused until the next day, whatever prices do
    lost_at timestamptz,
    constraint day_worth_pkey primary key (connection_id, day),
    constraint day_worth_connection_id_fkey foreign key (connection_id, user_id)
        references public.exchange_connections (id, user_id) on delete cascade
);
create index day_worth_user_id_idx on keygate.day_worth (user_id);

create trigger day_worth_keep_user_id before update on keygate.day_worth
    for each row execute function keygate.keep_user_id();

alter table keygate.day_worth enable row level security;
alter table keygate.day_worth force row level security;

create policy keygate_day_worth_select on keygate.day_worth for select to authenticated, keygate_signer
    using (user_id = (select keygate.uid()));
create policy keygate_day_worth_insert on keygate.day_worth for insert to keygate_signer
    with check (user_id = (select keygate.uid()));
create policy keygate_day_worth_update on keygate.day_worth for update to keygate_signer
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));

grant select on keygate.day_worth to authenticated;
grant select, insert, update (lost_at) on keygate.day_worth to keygate_signer;

-- Open orders are matched to what was set aside for them.
create index reservation_client_order_id_idx on keygate.reservation (connection_id, client_order_id)
    where client_order_id is not null;
