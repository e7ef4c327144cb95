-- The key hierarchy: master keys wrapped by the root provider, and what they wrap in turn. These tables hold no
-- user's rows and no role reads them; the functions below serve the boot connection (keygate_migrator) alone.

create table keygate.keyring (
    kid          int primary key,
    provider     text not null,
    provider_key text not null,
    wrapped      bytea not null,
    kcv          bytea not null,
    state        text not null,
    created_at   timestamptz not null default now(),
    activated_at timestamptz,
    retired_at   timestamptz,
    destroyed_at timestamptz,
    constraint keyring_kid_check check (kid > 0),
    constraint keyring_kcv_check check (octet_length(kcv) = 8),
    constraint keyring_state_check check (state in ('pending', 'active', 'decrypt_only', 'destroyed')),
    constraint keyring_wrapped_check check ((state = 'destroyed') = (octet_length(wrapped) = 0))
);

-- one key encrypts; two would make every re-wrap a race
create unique index keyring_state_key on keygate.keyring (state) where state = 'active';

create table keygate.service_key (
    version    int primary key,
    wrapped    text not null,
    iv         text not null,
    kid        int not null,
    created_at timestamptz not null default now(),
    constraint service_key_version_check check (version > 0),
    constraint service_key_wrapped_check check (wrapped ~ '^kgm1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'),
    constraint service_key_iv_check check (iv ~ '^[A-Za-z0-9+/]{16}$')
);

create table keygate.signing_keys (
    id         text primary key,
    purpose    text not null,
    public_key bytea not null,
    wrapped    text not null,
    iv         text not null,
    kid        int not null,
    state      text not null,
    created_at timestamptz not null default now(),
    retired_at timestamptz,
    constraint signing_keys_purpose_check check (purpose in ('jwt', 'audit')),
    constraint signing_keys_public_key_check check (octet_length(public_key) = 32),
    constraint signing_keys_wrapped_check check (wrapped ~ '^kgm1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'),
    constraint signing_keys_iv_check check (iv ~ '^[A-Za-z0-9+/]{16}$'),
    constraint signing_keys_state_check check (state in ('active', 'previous', 'retired'))
);

create unique index signing_keys_purpose_key on keygate.signing_keys (purpose) where state = 'active';

-- What each running instance has loaded; a pending master key is promoted only when all of them list it.
create table keygate.nodes (
    id         uuid primary key,
    kids       int[] not null,
    version    text not null,
    started_at timestamptz not null default now(),
    seen_at    timestamptz not null default now()
);

-- One row per user: the present key. Older versions stay in the history until the last row sealed with them is
-- sealed anew.
create table public.user_encryption_keys (
    user_id       uuid not null references public.users (id) on delete cascade,
    encrypted_key text not null,
    key_iv        text not null,
    version       int default 1,
    created_at    timestamptz default now(),
    updated_at    timestamptz default now(),
    kid           int not null,
    constraint user_encryption_keys_pkey primary key (user_id),
    constraint user_encryption_keys_encrypted_key_check check (encrypted_key ~ '^kgm1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'),
    constraint user_encryption_keys_key_iv_check check (key_iv ~ '^[A-Za-z0-9+/]{16}$'),
    constraint user_encryption_keys_version_check check (version is not null and version > 0)
);

create table keygate.user_key_history (
    user_id       uuid not null references public.users (id) on delete cascade,
    version       int not null,
    encrypted_key text not null,
    key_iv        text not null,
    kid           int not null,
    created_at    timestamptz not null,
    retired_at    timestamptz not null default now(),
    constraint user_key_history_pkey primary key (user_id, version),
    constraint user_key_history_encrypted_key_check check (encrypted_key ~ '^kgm1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'),
    constraint user_key_history_key_iv_check check (key_iv ~ '^[A-Za-z0-9+/]{16}$')
);

create index user_encryption_keys_kid_idx on public.user_encryption_keys (kid);
create index user_key_history_kid_idx on keygate.user_key_history (kid);

-- Nothing is written under a master key that is on its way out. The share lock makes `destroy`, which takes the
-- row for update, wait for writers and count what they wrote: no late writer can strand a row.
create function keygate.kid_guard() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform from keygate.keyring where kid = new.kid and state in ('active', 'pending') for share;
    if not found then
        raise check_violation using
            message = 'master key is not writable',
            constraint = tg_table_name || '_kid_writable', table = tg_table_name;
    end if;
    return new;
end
$$;

create trigger user_encryption_keys_kid_guard before insert or update of kid, encrypted_key
    on public.user_encryption_keys for each row execute function keygate.kid_guard();
create trigger user_key_history_kid_guard before update of kid, encrypted_key
    on keygate.user_key_history for each row execute function keygate.kid_guard();
create trigger service_key_kid_guard before insert or update of kid, wrapped
    on keygate.service_key for each row execute function keygate.kid_guard();
create trigger signing_keys_kid_guard before insert or update of kid, wrapped
    on keygate.signing_keys for each row execute function keygate.kid_guard();

create trigger user_encryption_keys_keep_user_id before update on public.user_encryption_keys
    for each row execute function keygate.keep_user_id();
create trigger user_encryption_keys_touch before update on public.user_encryption_keys
    for each row execute function keygate.touch();
create trigger user_key_history_keep_user_id before update on keygate.user_key_history
    for each row execute function keygate.keep_user_id();

alter table public.user_encryption_keys enable row level security;
alter table public.user_encryption_keys force row level security;
alter table keygate.user_key_history enable row level security;
alter table keygate.user_key_history force row level security;

-- A user reads the own key and never writes it: a planted key would open what the planter chose.
create policy "Users can access own encryption key" on public.user_encryption_keys for select to public
    using (user_id = (select keygate.uid()));
create policy keygate_user_encryption_keys_keysmith on public.user_encryption_keys for all to keygate_keysmith
    using (true) with check (true);
create policy keygate_user_key_history_select on keygate.user_key_history for select
    to authenticated, keygate_signer using (user_id = (select keygate.uid()));
create policy keygate_user_key_history_keysmith on keygate.user_key_history for all to keygate_keysmith
    using (true) with check (true);

grant select on public.user_encryption_keys, keygate.user_key_history to authenticated, keygate_signer;
grant select, insert, update on public.user_encryption_keys to keygate_keysmith;
grant select, insert, update, delete on keygate.user_key_history to keygate_keysmith;
