-- An exchange key, sealed under its owner's key: one row per generation. A generation is current until a grace
-- period is set on it; two may sign while the grace lasts.

create table public.api_keys (
    id                            uuid not null default gen_random_uuid(),
    user_id                       uuid not null references public.users (id) on delete cascade,
    exchange                      text not null,
    encrypted_api_key             text not null,
    encrypted_secret              text not null,
    encrypted_passphrase          text,
    key_iv                        text not null,
    secret_iv                     text not null,
    passphrase_iv                 text,
    salt                          text,
    is_active                     bool default true,
    last_used                     timestamptz,
    created_at                    timestamptz default now(),
    updated_at                    timestamptz default now(),
    environment                   text default 'production',
    name                          text,
    permissions                   text[] default array['read'],
    rotation_generation           int default 1,
    is_rotation_active            bool default true,
    rotated_from_key_id           uuid,
    rotation_grace_period_ends_at timestamptz,
    auto_rotation_enabled         bool default true,
    constraint api_keys_pkey primary key (id),
    -- the target of every child: a foreign key check ignores row security, so the user travels with the id
    constraint api_keys_id_user_id_key unique (id, user_id),
    constraint api_keys_rotated_from_key_id_fkey foreign key (rotated_from_key_id, user_id)
        references public.api_keys (id, user_id) on delete set null (rotated_from_key_id),
    constraint api_keys_exchange_check check (exchange ~ '^[a-z0-9][a-z0-9.-]{0,49}$'),
    constraint api_keys_environment_check check (environment ~ '^[a-z0-9-]{1,20}$'),
    constraint api_keys_name_check check (length(name) between 1 and 100),
    constraint api_keys_rotation_generation_check check (rotation_generation > 0),
    -- sealed or not at all: not even a bug can store a secret in the clear
    constraint api_keys_encrypted_api_key_check check (encrypted_api_key ~ '^kg1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'),
    constraint api_keys_encrypted_secret_check check (encrypted_secret ~ '^kg1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'),
    constraint api_keys_encrypted_passphrase_check check (
        encrypted_passphrase ~ '^kg1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'
    ),
    constraint api_keys_key_iv_check check (key_iv ~ '^[A-Za-z0-9+/]{16}$'),
    constraint api_keys_secret_iv_check check (secret_iv ~ '^[A-Za-z0-9+/]{16}$'),
    constraint api_keys_passphrase_iv_check check (
        passphrase_iv ~ '^[A-Za-z0-9+/]{16}$' and (passphrase_iv is null) = (encrypted_passphrase is null)
    ),
    constraint api_keys_salt_check check (salt ~ '^[A-Za-z0-9+/]{43}=$')
);

create index idx_api_keys_user_id on public.api_keys (user_id);
create index idx_api_keys_exchange on public.api_keys (exchange);
create index idx_api_keys_rotated_from_key_id on public.api_keys (rotated_from_key_id);
create index idx_api_keys_grace_period on public.api_keys (rotation_grace_period_ends_at)
    where rotation_grace_period_ends_at is not null;
create index idx_api_keys_auto_rotation on public.api_keys (user_id) where auto_rotation_enabled and is_active;

-- One current key per name. Retired and replaced generations do not count, or a key could not be rotated.
create unique index api_keys_user_id_exchange_environment_name_key
    on public.api_keys (user_id, exchange, environment, name) nulls not distinct
    where is_active and is_rotation_active and rotation_grace_period_ends_at is null;

create trigger api_keys_keep_user_id before update on public.api_keys
    for each row execute function keygate.keep_user_id();
create trigger api_keys_touch before update on public.api_keys
    for each row when (old.last_used is not distinct from new.last_used) execute function keygate.touch();

alter table public.api_keys enable row level security;
alter table public.api_keys force row level security;

create policy "Users can view own API keys" on public.api_keys for select to public
    using (user_id = (select keygate.uid()));
create policy "Users can insert own API keys" on public.api_keys for insert to public
    with check (user_id = (select keygate.uid()));
create policy "Users can update own API keys" on public.api_keys for update to public
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy "Users can delete own API keys" on public.api_keys for delete to public
    using (user_id = (select keygate.uid()));
-- ids and owners only (column grant): the keysmith checks the parents of log rows
create policy keygate_api_keys_keysmith on public.api_keys for select to keygate_keysmith using (true);

grant select, insert, update, delete on public.api_keys to authenticated;
grant select on public.api_keys to keygate_signer;
grant update (last_used) on public.api_keys to keygate_signer;
grant select (id, user_id) on public.api_keys to keygate_keysmith;

-- What a key may be used for. Written by the service alone, changed by its owner, read by the gateway.
create table public.api_key_permissions (
    id                         uuid not null default gen_random_uuid(),
    api_key_id                 uuid not null references public.api_keys (id) on delete cascade,
    can_read                   bool default true,
    can_trade                  bool default false,
    can_withdraw               bool default false,
    can_transfer               bool default false,
    can_manage_sub_accounts    bool default false,
    max_requests_per_minute    int default 60,
    max_requests_per_hour      int default 3600,
    max_requests_per_day       int default 100000,
    max_trade_amount_usd       numeric,
    max_daily_trade_volume_usd numeric,
    max_withdrawal_amount_usd  numeric,
    max_daily_withdrawal_usd   numeric,
    allowed_ip_addresses       inet[],
    created_at                 timestamptz not null default now(),
    updated_at                 timestamptz not null default now(),
    constraint api_key_permissions_pkey primary key (id),
    constraint unique_api_key_permissions unique (api_key_id),
    -- an absent flag would have to be guessed, and a limit that is negative or NaN compares as it likes
    constraint api_key_permissions_flags_check check (
        num_nulls(can_read, can_trade, can_withdraw, can_transfer, can_manage_sub_accounts) = 0
    ),
    constraint api_key_permissions_requests_check check (
        max_requests_per_minute >= 0 and max_requests_per_hour >= 0 and max_requests_per_day >= 0
    ),
    constraint api_key_permissions_amounts_check check (
        coalesce(max_trade_amount_usd, 0) between 0 and 1e18
        and coalesce(max_daily_trade_volume_usd, 0) between 0 and 1e18
        and coalesce(max_withdrawal_amount_usd, 0) between 0 and 1e18
        and coalesce(max_daily_withdrawal_usd, 0) between 0 and 1e18
    )
);

create index idx_api_key_permissions_key_id on public.api_key_permissions (api_key_id);

create trigger api_key_permissions_touch before update on public.api_key_permissions
    for each row execute function keygate.touch();

alter table public.api_key_permissions enable row level security;
alter table public.api_key_permissions force row level security;

create policy "Service role can insert api key permissions" on public.api_key_permissions for insert to public
    with check ((select current_user) = 'service_role');
create policy "Users can view own api key permissions" on public.api_key_permissions for select to public
    using (exists (
        select from public.api_keys k where k.id = api_key_id and k.user_id = (select keygate.uid())
    ));
create policy "Users can update own api key permissions" on public.api_key_permissions for update to public
    using (exists (
        select from public.api_keys k where k.id = api_key_id and k.user_id = (select keygate.uid())
    ))
    with check (exists (
        select from public.api_keys k where k.id = api_key_id and k.user_id = (select keygate.uid())
    ));
create policy keygate_api_key_permissions_keysmith on public.api_key_permissions for insert to keygate_keysmith
    with check (true);

grant select on public.api_key_permissions to authenticated, keygate_signer;
grant update (
    can_read, can_trade, can_withdraw, can_transfer, can_manage_sub_accounts,
    max_requests_per_minute, max_requests_per_hour, max_requests_per_day,
    max_trade_amount_usd, max_daily_trade_volume_usd, max_withdrawal_amount_usd, max_daily_withdrawal_usd,
    allowed_ip_addresses
) on public.api_key_permissions to authenticated;
grant insert on public.api_key_permissions to service_role, keygate_keysmith;

-- No key without permissions, and none that may trade before its owner says so.
create function keygate.default_permissions() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into public.api_key_permissions (api_key_id) values (new.id);
    return null;
end
$$;
create trigger api_keys_default_permissions after insert on public.api_keys
    for each row execute function keygate.default_permissions();
alter function keygate.default_permissions() owner to keygate_keysmith;

create table public.api_key_rotation_schedule (
    id                     uuid not null default gen_random_uuid(),
    api_key_id             uuid not null,
    user_id                uuid not null references public.users (id) on delete cascade,
    rotation_interval_days int not null default 90,
    last_rotated_at        timestamptz not null default now(),
    next_rotation_due      timestamptz not null,
    reminder_sent_30_days  bool default false,
    reminder_sent_14_days  bool default false,
    reminder_sent_7_days   bool default false,
    reminder_sent_1_day    bool default false,
    is_overdue             bool default false,
    days_overdue           int default 0,
    created_at             timestamptz not null default now(),
    updated_at             timestamptz not null default now(),
    constraint api_key_rotation_schedule_pkey primary key (id),
    constraint api_key_rotation_schedule_api_key_id_fkey foreign key (api_key_id, user_id)
        references public.api_keys (id, user_id) on delete cascade,
    constraint api_key_rotation_schedule_rotation_interval_days_check check (rotation_interval_days between 1 and 3650)
);

create unique index idx_api_key_rotation_schedule_api_key_id on public.api_key_rotation_schedule (api_key_id);
create index idx_api_key_rotation_due on public.api_key_rotation_schedule (next_rotation_due);
create index idx_api_key_rotation_overdue on public.api_key_rotation_schedule (is_overdue) where is_overdue;
create index api_key_rotation_schedule_user_id_idx on public.api_key_rotation_schedule (user_id);

create trigger api_key_rotation_schedule_keep_user_id before update on public.api_key_rotation_schedule
    for each row execute function keygate.keep_user_id();
create trigger api_key_rotation_schedule_touch before update on public.api_key_rotation_schedule
    for each row execute function keygate.touch();

alter table public.api_key_rotation_schedule enable row level security;
alter table public.api_key_rotation_schedule force row level security;

create policy "Service role can manage rotation schedules" on public.api_key_rotation_schedule for all to public
    using ((select current_user) = 'service_role') with check ((select current_user) = 'service_role');
create policy "Users can view own rotation schedules" on public.api_key_rotation_schedule for select to public
    using (user_id = (select keygate.uid()));
create policy "Users can update own rotation schedules" on public.api_key_rotation_schedule for update to public
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));

grant select on public.api_key_rotation_schedule to authenticated;
grant update (
    rotation_interval_days, last_rotated_at, next_rotation_due,
    reminder_sent_30_days, reminder_sent_14_days, reminder_sent_7_days, reminder_sent_1_day, is_overdue, days_overdue
) on public.api_key_rotation_schedule to authenticated;
grant select, insert, update, delete on public.api_key_rotation_schedule to service_role;
