-- The import inbox: keys brought from other systems, sealed on arrival, unusable until promoted to api_keys.
-- The gateway has no grant here, so nothing can sign with what nobody has verified.

create table public.encrypted_api_keys (
    id                   uuid not null default uuid_generate_v4(),
    user_id              uuid not null references public.users (id) on delete cascade,
    exchange             text not null,
    key_name             text not null,
    encrypted_api_key    text not null,
    encrypted_secret     text not null,
    encrypted_passphrase text,
    permissions          jsonb default '{}',
    is_active            bool default true,
    is_testnet           bool default false,
    created_at           timestamptz default now(),
    updated_at           timestamptz default now(),
    last_used_at         timestamptz,
    constraint encrypted_api_keys_pkey primary key (id),
    constraint encrypted_api_keys_user_id_exchange_key_name_key unique (user_id, exchange, key_name),
    constraint encrypted_api_keys_key_name_check check (length(key_name) between 1 and 100),
    constraint encrypted_api_keys_encrypted_api_key_check check (
        encrypted_api_key ~ '^kg1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'
    ),
    constraint encrypted_api_keys_encrypted_secret_check check (
        encrypted_secret ~ '^kg1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'
    ),
    constraint encrypted_api_keys_encrypted_passphrase_check check (
        encrypted_passphrase ~ '^kg1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'
    )
);

create trigger encrypted_api_keys_keep_user_id before update on public.encrypted_api_keys
    for each row execute function keygate.keep_user_id();
create trigger encrypted_api_keys_touch before update on public.encrypted_api_keys
    for each row execute function keygate.touch();

alter table public.encrypted_api_keys enable row level security;
alter table public.encrypted_api_keys force row level security;

create policy "Users can manage their own API keys" on public.encrypted_api_keys for all to public
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));

grant select, insert, update, delete on public.encrypted_api_keys to authenticated;
