-- Third parties: keys of the site itself (admins only), and each user's integrations with their tokens.

create table public.site_api_keys (
    id                     uuid not null default gen_random_uuid(),
    provider               varchar(50) not null,
    encrypted_key          text not null,
    key_prefix             varchar(20),
    is_active              bool not null default true,
    last_used_at           timestamptz,
    usage_count            int not null default 0,
    last_rotated_at        timestamptz,
    rotation_reminder_days int not null default 90,
    next_rotation_date     timestamptz,
    notes                  text,
    created_at             timestamptz not null default now(),
    updated_at             timestamptz not null default now(),
    created_by             uuid references public.users (id) on delete set null,
    updated_by             uuid references public.users (id) on delete set null,
    constraint site_api_keys_pkey primary key (id),
    constraint site_api_keys_encrypted_key_check check (encrypted_key ~ '^kms1\..+\.[A-Za-z0-9_-]{16,}$'),
    constraint site_api_keys_key_prefix_check check (length(key_prefix) <= 8),
    constraint site_api_keys_rotation_reminder_days_check check (rotation_reminder_days between 1 and 3650)
);

create index idx_site_api_keys_provider on public.site_api_keys (provider);
create index idx_site_api_keys_active on public.site_api_keys (is_active) where is_active;
create index idx_site_api_keys_provider_active on public.site_api_keys (provider, is_active);
create unique index idx_site_api_keys_provider_unique_active on public.site_api_keys (provider) where is_active;
create index idx_site_api_keys_rotation on public.site_api_keys (next_rotation_date) where is_active;

create trigger site_api_keys_touch before update on public.site_api_keys
    for each row when (old.usage_count is not distinct from new.usage_count) execute function keygate.touch();

alter table public.site_api_keys enable row level security;
alter table public.site_api_keys force row level security;

-- a test of the role, not of a variable: no statement can forge it
create policy "Admin full access to site_api_keys" on public.site_api_keys for all to authenticated
    using ((select current_user) = 'keygate_admin') with check ((select current_user) = 'keygate_admin');

grant select, insert, update, delete on public.site_api_keys to keygate_admin;

create table public.integration_tokens (
    id               uuid not null default gen_random_uuid(),
    user_id          uuid not null references public.users (id) on delete cascade,
    integration_type varchar(50) not null,
    access_token     text not null,
    refresh_token    text,
    token_type       varchar(20) default 'Bearer',
    expires_at       timestamptz,
    scopes           text[],
    metadata         jsonb default '{}',
    created_at       timestamptz default now(),
    updated_at       timestamptz default now(),
    constraint integration_tokens_pkey primary key (id),
    constraint integration_tokens_user_id_integration_type_key unique (user_id, integration_type),
    constraint integration_tokens_access_token_check check (access_token ~ '^kg1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'),
    constraint integration_tokens_refresh_token_check check (refresh_token ~ '^kg1\.[0-9]+\.[A-Za-z0-9_-]{64,}$')
);

create index idx_integration_tokens_user_id on public.integration_tokens (user_id);
create index idx_integration_tokens_type on public.integration_tokens (integration_type);
create index idx_integration_tokens_expires on public.integration_tokens (expires_at) where expires_at is not null;

create table public.integrations (
    id               uuid not null default gen_random_uuid(),
    user_id          uuid not null references public.users (id) on delete cascade,
    integration_type varchar(50) not null,
    enabled          bool default false,
    configuration    jsonb default '{}',
    last_sync_at     timestamptz,
    created_at       timestamptz default now(),
    updated_at       timestamptz default now(),
    constraint integrations_pkey primary key (id),
    constraint integrations_user_id_integration_type_key unique (user_id, integration_type)
);

create index idx_integrations_type on public.integrations (integration_type);
create index idx_integrations_user_enabled on public.integrations (user_id, enabled);

create trigger integration_tokens_keep_user_id before update on public.integration_tokens
    for each row execute function keygate.keep_user_id();
create trigger integration_tokens_touch before update on public.integration_tokens
    for each row execute function keygate.touch();
create trigger integrations_keep_user_id before update on public.integrations
    for each row execute function keygate.keep_user_id();
create trigger integrations_touch before update on public.integrations
    for each row execute function keygate.touch();

alter table public.integration_tokens enable row level security;
alter table public.integration_tokens force row level security;
alter table public.integrations enable row level security;
alter table public.integrations force row level security;

create policy "Service role can manage all integration tokens" on public.integration_tokens for all to service_role
    using (true) with check (true);
create policy "Users can view their own integration tokens" on public.integration_tokens for select to public
    using (user_id = (select keygate.uid()));
create policy "Users can insert their own integration tokens" on public.integration_tokens for insert to public
    with check (user_id = (select keygate.uid()));
create policy "Users can update their own integration tokens" on public.integration_tokens for update to public
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy "Users can delete their own integration tokens" on public.integration_tokens for delete to public
    using (user_id = (select keygate.uid()));

create policy "Service role can manage all integrations" on public.integrations for all to service_role
    using (true) with check (true);
create policy "Users can view their own integrations" on public.integrations for select to public
    using (user_id = (select keygate.uid()));
create policy "Users can insert their own integrations" on public.integrations for insert to public
    with check (user_id = (select keygate.uid()));
create policy "Users can update their own integrations" on public.integrations for update to public
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy "Users can delete their own integrations" on public.integrations for delete to public
    using (user_id = (select keygate.uid()));

grant select, insert, update, delete on public.integration_tokens, public.integrations to authenticated, service_role;
