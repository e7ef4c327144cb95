-- Who may call: bots, the access keys of bots and people, and the virtual pairs that bots sign with.

create table public.bot_configs (
    id            uuid not null default gen_random_uuid(),
    user_id       uuid not null references public.users (id) on delete cascade,
    api_key_id    uuid,
    connection_id uuid not null,
    name          text not null,
    symbol        text,
    is_active     bool not null default true,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    constraint bot_configs_pkey primary key (id),
    constraint bot_configs_id_user_id_key unique (id, user_id),
    constraint bot_configs_user_id_name_key unique (user_id, name),
    constraint bot_configs_api_key_id_fkey foreign key (api_key_id, user_id)
        references public.api_keys (id, user_id) on delete cascade,
    constraint bot_configs_connection_id_fkey foreign key (connection_id, user_id)
        references public.exchange_connections (id, user_id) on delete cascade,
    -- the key of a bot is always the key of its connection: a rotation of the one moves the other
    constraint bot_configs_connection_id_api_key_id_fkey foreign key (connection_id, user_id, api_key_id)
        references public.exchange_connections (id, user_id, api_key_id) on update cascade on delete cascade,
    constraint bot_configs_name_check check (length(name) between 1 and 100),
    constraint bot_configs_symbol_check check (length(symbol) between 1 and 50)
);

create index bot_configs_api_key_id_idx on public.bot_configs (api_key_id);
create index bot_configs_connection_id_idx on public.bot_configs (connection_id);

create table public.access_keys (
    id                   uuid not null default gen_random_uuid(),
    user_id              uuid not null references public.users (id) on delete cascade,
    key_hash             varchar(64) not null,
    key_prefix           varchar(16) not null,
    name                 varchar(255),
    last_used_at         timestamptz,
    created_at           timestamptz not null default now(),
    revoked_at           timestamptz,
    bot_id               uuid,
    scopes               text[] not null default array['read'],
    expires_at           timestamptz,
    allowed_ip_addresses inet[],
    constraint access_keys_pkey primary key (id),
    constraint access_keys_id_user_id_key unique (id, user_id),
    constraint access_keys_bot_id_fkey foreign key (bot_id, user_id)
        references public.bot_configs (id, user_id) on delete cascade,
    -- hex of SHA-256: the key itself is shown once and kept nowhere
    constraint access_keys_key_hash_check check (key_hash ~ '^[0-9a-f]{64}$'),
    constraint access_keys_key_prefix_check check (key_prefix ~ '^[A-Za-z0-9_]{4,16}$'),
    constraint access_keys_scopes_check check (scopes <@ array['read', 'trade', 'transfer', 'withdraw'])
);

comment on table public.access_keys is 'Keys that programs present to Keygate. One active personal key per user; a bot has as many as it needs.';
comment on column public.access_keys.key_hash is 'SHA-256 of the whole key, in hex';
comment on column public.access_keys.key_prefix is 'The public beginning of the key; of a virtual pair, its API key';
comment on column public.access_keys.revoked_at is 'Null while the key is active';

create index idx_access_keys_user_id on public.access_keys (user_id);
create unique index idx_access_keys_key_hash on public.access_keys (key_hash) where revoked_at is null;
create unique index idx_access_keys_key_prefix on public.access_keys (key_prefix);
create index idx_access_keys_bot_id on public.access_keys (bot_id) where bot_id is not null;
create unique index idx_access_keys_one_active_per_user on public.access_keys (user_id)
    where revoked_at is null and bot_id is null;

-- Revocation is final: a leaked key that could come back would have to be feared for ever.
create function keygate.keep_revoked() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at then
        raise check_violation using
            message = 'a revoked key stays revoked',
            constraint = 'access_keys_revoked_at_final', table = 'access_keys';
    end if;
    return new;
end
$$;
create trigger access_keys_keep_revoked before update on public.access_keys
    for each row execute function keygate.keep_revoked();

-- The pair a bot signs with, in the format of one exchange. The signature is checked here, so the secret must be
-- opened: sealed for symmetric formats, the public key alone for the others.
create table keygate.virtual_key (
    access_key_id  uuid not null,
    user_id        uuid not null references public.users (id) on delete cascade,
    exchange       text not null,
    public_key     text not null,
    secret         text,
    passphrase     text,
    public_key_pem text,
    created_at     timestamptz not null default now(),
    constraint virtual_key_pkey primary key (access_key_id, exchange),
    constraint virtual_key_access_key_id_fkey foreign key (access_key_id, user_id)
        references public.access_keys (id, user_id) on delete cascade,
    constraint virtual_key_secret_check check (secret ~ '^kg1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'),
    constraint virtual_key_passphrase_check check (passphrase ~ '^kg1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'),
    constraint virtual_key_public_key_pem_check check (public_key_pem like '-----BEGIN PUBLIC KEY-----%'),
    constraint virtual_key_kind_check check (num_nonnulls(secret, public_key_pem) = 1)
);

create index virtual_key_user_id_idx on keygate.virtual_key (user_id);

create trigger bot_configs_keep_user_id before update on public.bot_configs
    for each row execute function keygate.keep_user_id();
create trigger bot_configs_touch before update on public.bot_configs
    for each row execute function keygate.touch();
create trigger access_keys_keep_user_id before update on public.access_keys
    for each row execute function keygate.keep_user_id();
create trigger virtual_key_keep_user_id before update on keygate.virtual_key
    for each row execute function keygate.keep_user_id();

alter table public.bot_configs enable row level security;
alter table public.bot_configs force row level security;
alter table public.access_keys enable row level security;
alter table public.access_keys force row level security;
alter table keygate.virtual_key enable row level security;
alter table keygate.virtual_key force row level security;

create policy keygate_bot_configs_select on public.bot_configs for select to authenticated, keygate_signer
    using (user_id = (select keygate.uid()));
create policy keygate_bot_configs_insert on public.bot_configs for insert to authenticated
    with check (user_id = (select keygate.uid()));
create policy keygate_bot_configs_update on public.bot_configs for update to authenticated
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy keygate_bot_configs_delete on public.bot_configs for delete to authenticated
    using (user_id = (select keygate.uid()));

create policy keygate_access_keys_select on public.access_keys for select to authenticated, keygate_signer
    using (user_id = (select keygate.uid()));
create policy keygate_access_keys_insert on public.access_keys for insert to authenticated
    with check (user_id = (select keygate.uid()));
create policy keygate_access_keys_update on public.access_keys for update to authenticated, keygate_signer
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy keygate_access_keys_delete on public.access_keys for delete to authenticated
    using (user_id = (select keygate.uid()));
create policy keygate_access_keys_keysmith on public.access_keys for select to keygate_keysmith
    using (true);

create policy keygate_virtual_key_select on keygate.virtual_key for select to authenticated, keygate_signer
    using (user_id = (select keygate.uid()));
create policy keygate_virtual_key_insert on keygate.virtual_key for insert to authenticated
    with check (user_id = (select keygate.uid()));
create policy keygate_virtual_key_update on keygate.virtual_key for update to authenticated
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy keygate_virtual_key_delete on keygate.virtual_key for delete to authenticated
    using (user_id = (select keygate.uid()));
create policy keygate_virtual_key_keysmith on keygate.virtual_key for select to keygate_keysmith
    using (true);

grant select, insert, delete on public.bot_configs to authenticated;
-- a bot stays on its connection; another connection is another bot, with other access keys
grant update (name, symbol, is_active) on public.bot_configs to authenticated;
grant select on public.bot_configs to keygate_signer;

grant select, insert, delete on public.access_keys to authenticated;
grant update (name, revoked_at, scopes, expires_at, allowed_ip_addresses) on public.access_keys to authenticated;
grant select on public.access_keys to keygate_signer, keygate_keysmith;
grant update (last_used_at) on public.access_keys to authenticated, keygate_signer;

grant select, insert, delete on keygate.virtual_key to authenticated;
-- re-sealing under a new user key changes these, and nothing else
grant update (secret, passphrase) on keygate.virtual_key to authenticated;
grant select on keygate.virtual_key to keygate_signer, keygate_keysmith;
