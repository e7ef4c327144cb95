-- What the score of a call is measured by: where each access key is used from, how busy it is and when; what the gateway
-- counts for the record; and access keys that stand still until their owner says that it was them.

-- Everything an access key was seen with. What is there first of its kind is how the key is used; what comes later is news
-- until a moment.
create table keygate.known_origin (
    access_key_id uuid not null,
    kind text not null constraint known_origin_kind_check check (
        kind in ('address', 'network', 'operator', 'country', 'device', 'act')
    ),
    value text not null constraint known_origin_value_check check (length(value) between 1 and 100),
    user_id uuid not null references public.users (id) on delete cascade,
    first_seen_at timestamptz not null,
    news_until timestamptz not null,
    -- nobody can have come here so fast from where the key was used before
    is_far bool not null default false,
    constraint known_origin_pkey primary key (access_key_id, kind, value),
    constraint known_origin_access_key_id_fkey foreign key (access_key_id, user_id)
        references public.access_keys (id, user_id) on delete cascade
);
create index known_origin_user_id_idx on keygate.known_origin (user_id);

-- How many calls an access key made in an hour, and how many minutes of it had how many (a count for each class of size).
create table keygate.busy_hour (
    access_key_id uuid not null,
    starts_at timestamptz not null,
    user_id uuid not null references public.users (id) on delete cascade,
    calls int not null constraint busy_hour_calls_check check (calls > 0),
    minutes int[] not null constraint busy_hour_minutes_check check (array_length(minutes, 1) = 32),
    constraint busy_hour_pkey primary key (access_key_id, starts_at),
    constraint busy_hour_access_key_id_fkey foreign key (access_key_id, user_id)
        references public.access_keys (id, user_id) on delete cascade
);
create index busy_hour_user_id_idx on keygate.busy_hour (user_id);
create index busy_hour_starts_at_idx on keygate.busy_hour (starts_at);

-- How often a key was used in a day and in a month (UTC), for the numbers that stand in its records. Like them it outlives
-- the key.
create table keygate.use_count (
    api_key_id uuid not null,
    kind text not null constraint use_count_kind_check check (kind in ('day', 'month')),
    starts_at date not null,
    user_id uuid not null references public.users (id) on delete cascade,
    calls int not null constraint use_count_calls_check check (calls >= 0),
    constraint use_count_pkey primary key (api_key_id, kind, starts_at)
) with (fillfactor = 50);
create index use_count_user_id_idx on keygate.use_count (user_id);
create index use_count_starts_at_idx on keygate.use_count (starts_at);

-- Access keys that were used as their owner hardly would. One without a confirmation is in force: the gateway looks here
-- in the transaction in which it sets money aside.
create table keygate.suspension (
    id uuid not null,
    user_id uuid not null references public.users (id) on delete cascade,
    access_key_id uuid not null,
    connection_id uuid not null,
    -- the call that was too much
    request_id uuid not null,
    address inet not null,
    country text,
    agent text,
    score int not null constraint suspension_score_check check (score between 0 and 100),
    reasons text[] not null,
    suspended_at timestamptz not null,
    confirmed_at timestamptz,
    confirmed_by uuid,
    constraint suspension_pkey primary key (id),
    constraint suspension_access_key_id_fkey foreign key (access_key_id, user_id)
        references public.access_keys (id, user_id) on delete cascade,
    constraint suspension_confirmed_at_check check ((confirmed_at is null) = (confirmed_by is null))
);
create index suspension_user_id_idx on keygate.suspension (user_id, suspended_at desc);
create unique index suspension_in_force_key on keygate.suspension (access_key_id) where confirmed_at is null;

create trigger known_origin_keep_user_id before update on keygate.known_origin
    for each row execute function keygate.keep_user_id();
create trigger busy_hour_keep_user_id before update on keygate.busy_hour
    for each row execute function keygate.keep_user_id();
create trigger use_count_keep_user_id before update on keygate.use_count
    for each row execute function keygate.keep_user_id();
create trigger suspension_keep_user_id before update on keygate.suspension
    for each row execute function keygate.keep_user_id();
create trigger suspension_announce after insert or update on keygate.suspension
    for each row execute function keygate.announce();

alter table keygate.known_origin enable row level security;
alter table keygate.known_origin force row level security;
alter table keygate.busy_hour enable row level security;
alter table keygate.busy_hour force row level security;
alter table keygate.use_count enable row level security;
alter table keygate.use_count force row level security;
alter table keygate.suspension enable row level security;
alter table keygate.suspension force row level security;

create policy keygate_known_origin_select on keygate.known_origin for select to authenticated, keygate_signer
    using (user_id = (select keygate.uid()));
create policy keygate_known_origin_insert on keygate.known_origin for insert to keygate_signer
    with check (user_id = (select keygate.uid()));
-- what its owner vouches for is no news any more
create policy keygate_known_origin_update on keygate.known_origin for update to authenticated
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy keygate_busy_hour_select on keygate.busy_hour for select to keygate_signer
    using (user_id = (select keygate.uid()));
create policy keygate_busy_hour_insert on keygate.busy_hour for insert to keygate_signer
    with check (user_id = (select keygate.uid()));
create policy keygate_busy_hour_update on keygate.busy_hour for update to keygate_signer
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy keygate_busy_hour_service on keygate.busy_hour for all to service_role
    using (starts_at < now() - interval '28 days') with check (false);
create policy keygate_use_count_select on keygate.use_count for select to authenticated, keygate_signer
    using (user_id = (select keygate.uid()));
create policy keygate_use_count_insert on keygate.use_count for insert to keygate_signer
    with check (user_id = (select keygate.uid()));
create policy keygate_use_count_update on keygate.use_count for update to keygate_signer
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy keygate_use_count_service on keygate.use_count for all to service_role
    using (starts_at < now() - interval '60 days') with check (false);
create policy keygate_suspension_select on keygate.suspension for select to authenticated, keygate_signer
    using (user_id = (select keygate.uid()));
create policy keygate_suspension_insert on keygate.suspension for insert to keygate_signer
    with check (user_id = (select keygate.uid()) and confirmed_at is null);
create policy keygate_suspension_update on keygate.suspension for update to authenticated
    using (user_id = (select keygate.uid()) and confirmed_at is null) with check (user_id = (select keygate.uid()));

grant select, update (news_until) on keygate.known_origin to authenticated;
grant select, insert on keygate.known_origin to keygate_signer;
grant select, insert, update (calls, minutes) on keygate.busy_hour to keygate_signer;
grant select (starts_at), delete on keygate.busy_hour to service_role;
grant select on keygate.use_count to authenticated;
grant select, insert, update (calls) on keygate.use_count to keygate_signer;
grant select (starts_at), delete on keygate.use_count to service_role;
grant select, update (confirmed_at, confirmed_by) on keygate.suspension to authenticated;
grant select, insert on keygate.suspension to keygate_signer;

-- A pair that exists only to be stolen. Where a key was used last tells how far away the next use is.
alter table public.access_keys add column honey bool not null default false;
alter table public.access_keys add column last_used_address inet;
comment on column public.access_keys.honey is 'Signs nothing; any use is an alarm';
-- what is bait stays bait, and what is in use cannot become it
grant update (last_used_address) on public.access_keys to keygate_signer;

set local role keygate_keysmith;
drop function keygate.find_access_key(text);
drop function keygate.find_access_key_by_prefix(text, text);
set local role keygate_owner;
create function keygate.find_access_key(p_key_hash text)
returns table (
    access_key_id uuid, user_id uuid, bot_id uuid, key_hash text, key_prefix text, scopes text[],
    expires_at timestamptz, revoked_at timestamptz, allowed_ip_addresses inet[], user_is_active bool, honey bool
)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select a.id, a.user_id, a.bot_id, a.key_hash, a.key_prefix, a.scopes,
        a.expires_at, a.revoked_at, a.allowed_ip_addresses, u.is_active, a.honey
    from public.access_keys a join public.users u on u.id = a.user_id
    where a.key_hash = p_key_hash and a.revoked_at is null;
$$;
grant execute on function keygate.find_access_key(text) to anon, keygate_signer;
alter function keygate.find_access_key(text) owner to keygate_keysmith;
create function keygate.find_access_key_by_prefix(p_key_prefix text, p_exchange text default null)
returns table (
    access_key_id uuid, user_id uuid, bot_id uuid, key_hash text, key_prefix text, scopes text[],
    expires_at timestamptz, revoked_at timestamptz, allowed_ip_addresses inet[], user_is_active bool,
    exchange text, public_key text, secret text, passphrase text, public_key_pem text,
    honey bool, last_used_at timestamptz, last_used_address inet
)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select a.id, a.user_id, a.bot_id, a.key_hash, a.key_prefix, a.scopes,
        a.expires_at, a.revoked_at, a.allowed_ip_addresses, u.is_active,
        v.exchange, v.public_key, v.secret, v.passphrase, v.public_key_pem,
        a.honey, a.last_used_at, a.last_used_address
    from public.access_keys a
    join public.users u on u.id = a.user_id
    left join keygate.virtual_key v on v.access_key_id = a.id and v.exchange = p_exchange
    where a.key_prefix = p_key_prefix;
$$;
grant execute on function keygate.find_access_key_by_prefix(text, text) to anon, keygate_signer;
alter function keygate.find_access_key_by_prefix(text, text) owner to keygate_keysmith;
