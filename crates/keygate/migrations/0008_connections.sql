-- The live account at an exchange: its settings, its health, and the sealed key it signs with now. Times without
-- a zone are UTC.

create table public.exchange_connections (
    id                     uuid not null,
    user_id                uuid not null references public.users (id) on delete cascade,
    name                   varchar(100) not null,
    exchange_type          varchar(50) not null,
    environment            varchar(20),
    status                 varchar(20),
    is_default             bool,
    is_enabled             bool,
    encrypted_api_key      bytea not null,
    encrypted_secret_key   bytea not null,
    encrypted_passphrase   bytea,
    key_encryption_salt    bytea not null,
    api_key_label          varchar(100),
    api_key_permissions    json,
    api_key_created_at     timestamp,
    api_key_expires_at     timestamp,
    api_key_last_used      timestamp,
    base_url               varchar(500),
    rate_limit             int,
    timeout_seconds        int,
    retry_attempts         int,
    daily_withdraw_limit   numeric,
    monthly_withdraw_limit numeric,
    max_position_size      numeric,
    allowed_symbols        json,
    blocked_symbols        json,
    max_daily_loss         numeric,
    stop_loss_percentage   numeric,
    max_leverage           numeric,
    last_successful_ping   timestamp,
    last_error_message     text,
    error_count            int,
    connection_warnings    json,
    created_at             timestamp not null,
    updated_at             timestamp,
    last_verified_at       timestamp,
    verification_status    varchar(20),
    connection_metadata    json,
    tags                   json,
    api_key_id             uuid,
    credential_id          uuid,
    deleted_at             timestamptz,
    destroy_after          timestamptz,
    constraint exchange_connections_pkey primary key (id),
    constraint exchange_connections_id_user_id_key unique (id, user_id),
    -- the target of bots: a rotation moves the key of the connection, and the bots follow
    constraint exchange_connections_id_user_id_api_key_id_key unique (id, user_id, api_key_id),
    constraint exchange_connections_api_key_id_fkey foreign key (api_key_id, user_id)
        references public.api_keys (id, user_id) on delete cascade,
    constraint exchange_connections_credential_id_fkey foreign key (credential_id, user_id)
        references public.encrypted_exchange_credentials (id, user_id) on delete cascade,
    -- it signs with a generation of a key, or with a credential of the vault tier
    constraint exchange_connections_source_check check (num_nonnulls(api_key_id, credential_id) = 1),
    constraint exchange_connections_name_check check (name <> ''),
    constraint exchange_connections_deleted_at_check check (
        (deleted_at is null) = (destroy_after is null) and (deleted_at is null or is_enabled is not true)
    ),
    -- version byte, key version, IV, commitment, tag; a copy of a vault credential says so in its version byte
    constraint exchange_connections_encrypted_api_key_check check (
        octet_length(encrypted_api_key) > 65 and substr(encrypted_api_key, 1, 1)
            = case when credential_id is null then '\x01'::bytea else '\x02' end
    ),
    constraint exchange_connections_encrypted_secret_key_check check (
        octet_length(encrypted_secret_key) > 65 and substr(encrypted_secret_key, 1, 1)
            = case when credential_id is null then '\x01'::bytea else '\x02' end
    ),
    constraint exchange_connections_encrypted_passphrase_check check (
        octet_length(encrypted_passphrase) > 65 and substr(encrypted_passphrase, 1, 1)
            = case when credential_id is null then '\x01'::bytea else '\x02' end
    ),
    constraint exchange_connections_key_encryption_salt_check check (octet_length(key_encryption_salt) = 32)
);

create index ix_exchange_connections_user_id on public.exchange_connections (user_id);
create index ix_exchange_connections_exchange_type on public.exchange_connections (exchange_type);
create index ix_exchange_connections_status on public.exchange_connections (status);
create index exchange_connections_api_key_id_idx on public.exchange_connections (api_key_id);
create index exchange_connections_credential_id_idx on public.exchange_connections (credential_id);
create index exchange_connections_destroy_after_idx on public.exchange_connections (destroy_after)
    where destroy_after is not null;
create unique index exchange_connections_default_key
    on public.exchange_connections (user_id, exchange_type) where is_default and deleted_at is null;

create trigger exchange_connections_keep_user_id before update on public.exchange_connections
    for each row execute function keygate.keep_user_id();
create trigger exchange_connections_touch before update on public.exchange_connections
    for each row when (old.api_key_last_used is not distinct from new.api_key_last_used)
    execute function keygate.touch_utc();

alter table public.exchange_connections enable row level security;
alter table public.exchange_connections force row level security;

create policy exchange_connections_select_own on public.exchange_connections for select to public
    using (user_id = (select keygate.uid()));
create policy exchange_connections_insert_own on public.exchange_connections for insert to public
    with check (user_id = (select keygate.uid()));
create policy exchange_connections_update_own on public.exchange_connections for update to public
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy exchange_connections_delete_own on public.exchange_connections for delete to public
    using (user_id = (select keygate.uid()));
-- ids, owners and undo deadlines only (column grant)
create policy keygate_exchange_connections_keysmith on public.exchange_connections for select to keygate_keysmith
    using (true);

grant select, insert, update, delete on public.exchange_connections to authenticated;
grant select on public.exchange_connections to keygate_signer;
grant update (status, api_key_last_used, last_successful_ping, last_error_message, error_count)
    on public.exchange_connections to keygate_signer;
grant select (id, user_id, destroy_after) on public.exchange_connections to keygate_keysmith;

create table public.exchange_balances (
    id                uuid not null,
    connection_id     uuid not null,
    user_id           uuid not null references public.users (id) on delete cascade,
    symbol            varchar(20) not null,
    total_balance     numeric not null,
    available_balance numeric not null,
    locked_balance    numeric not null,
    account_type      varchar(20),
    usd_value         numeric,
    last_price        numeric,
    last_updated      timestamp,
    synced_at         timestamp not null,
    constraint exchange_balances_pkey primary key (id),
    constraint exchange_balances_connection_id_fkey foreign key (connection_id, user_id)
        references public.exchange_connections (id, user_id) on delete cascade,
    -- one line per asset and account, so that a sync is an upsert
    constraint exchange_balances_connection_id_symbol_account_type_key
        unique nulls not distinct (connection_id, symbol, account_type)
);

create index idx_exchange_balances_user_id on public.exchange_balances (user_id);
create index idx_exchange_balances_connection_id on public.exchange_balances (connection_id);
create index ix_exchange_balances_symbol on public.exchange_balances (symbol);
create index ix_exchange_balances_synced_at on public.exchange_balances (synced_at);

create trigger exchange_balances_keep_user_id before update on public.exchange_balances
    for each row execute function keygate.keep_user_id();

alter table public.exchange_balances enable row level security;
alter table public.exchange_balances force row level security;

create policy exchange_balances_select_own on public.exchange_balances for select to public
    using (user_id = (select keygate.uid()));
create policy exchange_balances_insert_own on public.exchange_balances for insert to public
    with check (user_id = (select keygate.uid()));
create policy exchange_balances_update_own on public.exchange_balances for update to public
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy exchange_balances_delete_own on public.exchange_balances for delete to public
    using (user_id = (select keygate.uid()));

grant select, insert, update, delete on public.exchange_balances to authenticated;
