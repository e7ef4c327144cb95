-- The vault tier: credentials sealed under the user key and the vault key together, usable only while unlocked.

create table public.vault_metadata (
    id                          uuid not null default uuid_generate_v4(),
    user_id                     uuid not null references public.users (id) on delete cascade,
    salt                        text not null,
    kdf_algorithm               varchar(50) not null default 'PBKDF2-SHA256',
    -- below today's floor and kept because the contract names it: every insert states its own parameters
    kdf_iterations              int not null default 100000,
    kdf_memory                  int,
    kdf_parallelism             int,
    auto_lock_timeout_minutes   int default 15,
    require_password_on_decrypt bool default true,
    biometric_unlock_enabled    bool default false,
    created_at                  timestamptz not null default now(),
    updated_at                  timestamptz not null default now(),
    last_unlocked_at            timestamptz,
    failed_unlock_attempts      int default 0,
    last_failed_unlock_at       timestamptz,
    constraint vault_metadata_pkey primary key (id),
    constraint vault_metadata_user_id_key unique (user_id),
    constraint vault_metadata_salt_check check (salt ~ '^[A-Za-z0-9+/]{22,}={0,2}$'),
    constraint vault_metadata_auto_lock_timeout_minutes_check check (auto_lock_timeout_minutes between 1 and 1440)
);

create trigger vault_metadata_keep_user_id before update on public.vault_metadata
    for each row execute function keygate.keep_user_id();
create trigger vault_metadata_touch before update on public.vault_metadata
    for each row execute function keygate.touch();

alter table public.vault_metadata enable row level security;
alter table public.vault_metadata force row level security;

create policy rls_vault_metadata_select on public.vault_metadata for select to public
    using (user_id = (select keygate.uid()));
create policy rls_vault_metadata_insert on public.vault_metadata for insert to public
    with check (user_id = (select keygate.uid()));
create policy rls_vault_metadata_update on public.vault_metadata for update to public
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));

-- The counters of failed unlocks are missing on purpose: whoever guesses must not reset them.
grant select on public.vault_metadata to authenticated;
grant insert (
    id, user_id, salt, kdf_algorithm, kdf_iterations, kdf_memory, kdf_parallelism,
    auto_lock_timeout_minutes, require_password_on_decrypt, biometric_unlock_enabled
) on public.vault_metadata to authenticated;
grant update (
    salt, kdf_algorithm, kdf_iterations, kdf_memory, kdf_parallelism,
    auto_lock_timeout_minutes, require_password_on_decrypt, biometric_unlock_enabled
) on public.vault_metadata to authenticated;

create table public.encrypted_exchange_credentials (
    id                     uuid not null default uuid_generate_v4(),
    user_id                uuid not null references public.users (id) on delete cascade,
    exchange_name          varchar(100) not null,
    exchange_account_label varchar(255) default 'Primary Account',
    is_testnet             bool default false,
    encrypted_api_key      text not null,
    encrypted_api_secret   text not null,
    encrypted_passphrase   text,
    iv                     text not null,
    encryption_algorithm   varchar(50) not null default 'AES-256-GCM',
    auth_tag               text,
    permissions            jsonb not null default '{"read": true, "trade": false, "withdraw": false}',
    rate_limits            jsonb default '{}',
    active                 bool not null default true,
    key_version            int not null default 1,
    rotated_from_id        uuid,
    rotation_scheduled_at  timestamptz,
    expires_at             timestamptz,
    last_used_at           timestamptz,
    usage_count            int default 0,
    created_at             timestamptz not null default now(),
    updated_at             timestamptz not null default now(),
    constraint encrypted_exchange_credentials_pkey primary key (id),
    constraint encrypted_exchange_credentials_id_user_id_key unique (id, user_id),
    constraint encrypted_exchange_credential_user_id_exchange_name_exchang_key
        unique (user_id, exchange_name, exchange_account_label, is_testnet),
    constraint encrypted_exchange_credentials_rotated_from_id_fkey foreign key (rotated_from_id, user_id)
        references public.encrypted_exchange_credentials (id, user_id) on delete set null (rotated_from_id),
    constraint encrypted_exchange_credentials_encrypted_api_key_check check (
        encrypted_api_key ~ '^kg1v\.[0-9]+\.[0-9]+\.[A-Za-z0-9_-]{64,}$'
    ),
    constraint encrypted_exchange_credentials_encrypted_api_secret_check check (
        encrypted_api_secret ~ '^kg1v\.[0-9]+\.[0-9]+\.[A-Za-z0-9_-]{64,}$'
    ),
    constraint encrypted_exchange_credentials_encrypted_passphrase_check check (
        encrypted_passphrase ~ '^kg1v\.[0-9]+\.[0-9]+\.[A-Za-z0-9_-]{64,}$'
    ),
    constraint encrypted_exchange_credentials_iv_check check (iv ~ '^[A-Za-z0-9+/]{16}$'),
    constraint encrypted_exchange_credentials_auth_tag_check check (auth_tag ~ '^[A-Za-z0-9+/=.]+$')
);

create index idx_encrypted_exchange_credentials_rotated_from_id
    on public.encrypted_exchange_credentials (rotated_from_id);

create trigger encrypted_exchange_credentials_keep_user_id before update on public.encrypted_exchange_credentials
    for each row execute function keygate.keep_user_id();
create trigger encrypted_exchange_credentials_touch before update on public.encrypted_exchange_credentials
    for each row when (old.usage_count is not distinct from new.usage_count) execute function keygate.touch();

alter table public.encrypted_exchange_credentials enable row level security;
alter table public.encrypted_exchange_credentials force row level security;

create policy rls_exchange_credentials_select on public.encrypted_exchange_credentials for select to public
    using (user_id = (select keygate.uid()));
create policy rls_exchange_credentials_insert on public.encrypted_exchange_credentials for insert to public
    with check (user_id = (select keygate.uid()));
create policy rls_exchange_credentials_update on public.encrypted_exchange_credentials for update to public
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy rls_exchange_credentials_delete on public.encrypted_exchange_credentials for delete to public
    using (user_id = (select keygate.uid()));

grant select, insert, update, delete on public.encrypted_exchange_credentials to authenticated;
grant select on public.encrypted_exchange_credentials to keygate_signer;
grant update (last_used_at, usage_count) on public.encrypted_exchange_credentials to keygate_signer;

-- Append-only: nobody may update or delete, and a logged credential may be long gone, so it is no foreign key.
create table public.vault_access_log (
    id                     uuid not null default uuid_generate_v4(),
    user_id                uuid not null references public.users (id) on delete cascade,
    event_type             varchar(50) not null,
    exchange_credential_id uuid,
    success                bool not null default true,
    failure_reason         text,
    ip_address             inet,
    user_agent             text,
    session_id             uuid,
    device_fingerprint     text,
    geo_country            varchar(2),
    geo_city               varchar(100),
    metadata               jsonb default '{}',
    created_at             timestamptz not null default now(),
    constraint vault_access_log_pkey primary key (id)
);

create index idx_vault_access_log_user_id on public.vault_access_log (user_id, created_at desc);
create index idx_vault_access_log_exchange_credential_id on public.vault_access_log (exchange_credential_id);

create trigger vault_access_log_keep_user_id before update on public.vault_access_log
    for each row execute function keygate.keep_user_id();

alter table public.vault_access_log enable row level security;
alter table public.vault_access_log force row level security;

create policy rls_vault_access_log_select on public.vault_access_log for select to public
    using (user_id = (select keygate.uid()));
create policy rls_vault_access_log_insert on public.vault_access_log for insert to public
    with check (user_id = (select keygate.uid()));

grant select, insert on public.vault_access_log to authenticated;
