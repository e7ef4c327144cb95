-- What happened: every operation on a key, every call to an exchange. Append-only, and kept when the key or the
-- connection is deleted: a record its subject can erase by deleting the key is none. So the parent is no foreign
-- key; a trigger demands at insert that it exists and belongs to the same user.

create table public.api_key_usage_audit (
    id                  uuid not null default gen_random_uuid(),
    api_key_id          uuid not null,
    user_id             uuid not null references public.users (id) on delete cascade,
    operation_type      text not null,
    endpoint            text not null,
    http_method         text,
    ip_address          inet,
    user_agent          text,
    device_fingerprint  text,
    status_code         int,
    success             bool default true,
    error_message       text,
    daily_usage_count   int default 0,
    monthly_usage_count int default 0,
    is_suspicious       bool default false,
    suspicious_reasons  text[],
    risk_score          int default 0,
    created_at          timestamptz not null default now(),
    request_id          uuid,
    phase               text not null default 'event',
    access_key_id       uuid,
    bot_id              uuid,
    exchange            text,
    symbol              text,
    class               text,
    decision            text,
    rule                text,
    constraint api_key_usage_audit_pkey primary key (id),
    constraint api_key_usage_audit_phase_check check (phase in ('intent', 'outcome', 'event')),
    constraint api_key_usage_audit_request_id_check check (phase = 'event' or request_id is not null),
    constraint api_key_usage_audit_risk_score_check check (risk_score between 0 and 100)
);

create index idx_api_key_usage_audit_key_id on public.api_key_usage_audit (api_key_id, created_at desc);
create index idx_api_key_usage_audit_user_id on public.api_key_usage_audit (user_id, created_at desc);
create index idx_api_key_usage_audit_operation on public.api_key_usage_audit (operation_type);
create index idx_api_key_usage_audit_suspicious on public.api_key_usage_audit (user_id, created_at desc)
    where is_suspicious;
create index api_key_usage_audit_request_id_idx on public.api_key_usage_audit (request_id);

create table public.exchange_api_calls (
    id                   uuid not null,
    connection_id        uuid not null,
    user_id              uuid not null references public.users (id) on delete cascade,
    endpoint             varchar(500) not null,
    method               varchar(10) not null,
    parameters           json,
    status_code          int,
    response_time_ms     int,
    success              bool,
    error_message        text,
    rate_limit_remaining int,
    rate_limit_reset     timestamp,
    ip_address           varchar(45),
    user_agent           varchar(500),
    session_id           uuid,
    created_at           timestamp not null,
    request_id           uuid,
    phase                text not null default 'event',
    constraint exchange_api_calls_pkey primary key (id),
    constraint exchange_api_calls_phase_check check (phase in ('intent', 'outcome', 'event')),
    constraint exchange_api_calls_request_id_check check (phase = 'event' or request_id is not null)
);

create index idx_exchange_api_calls_connection_id on public.exchange_api_calls (connection_id, created_at desc);
create index idx_exchange_api_calls_user_id on public.exchange_api_calls (user_id, created_at desc);
create index ix_exchange_api_calls_created_at on public.exchange_api_calls (created_at);
create index exchange_api_calls_request_id_idx on public.exchange_api_calls (request_id);

create function keygate.check_audit_parent() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    if not exists (select from public.api_keys where id = new.api_key_id and user_id = new.user_id) then
        raise foreign_key_violation using
            message = 'no such key of this user',
            constraint = 'api_key_usage_audit_api_key_id_fkey', table = 'api_key_usage_audit';
    end if;
    return new;
end
$$;
create trigger api_key_usage_audit_parent before insert on public.api_key_usage_audit
    for each row execute function keygate.check_audit_parent();
alter function keygate.check_audit_parent() owner to keygate_keysmith;

create function keygate.check_call_parent() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    if not exists (select from public.exchange_connections where id = new.connection_id and user_id = new.user_id) then
        raise foreign_key_violation using
            message = 'no such connection of this user',
            constraint = 'exchange_api_calls_connection_id_fkey', table = 'exchange_api_calls';
    end if;
    return new;
end
$$;
create trigger exchange_api_calls_parent before insert on public.exchange_api_calls
    for each row execute function keygate.check_call_parent();
alter function keygate.check_call_parent() owner to keygate_keysmith;

create trigger api_key_usage_audit_keep_user_id before update on public.api_key_usage_audit
    for each row execute function keygate.keep_user_id();
create trigger exchange_api_calls_keep_user_id before update on public.exchange_api_calls
    for each row execute function keygate.keep_user_id();

alter table public.api_key_usage_audit enable row level security;
alter table public.api_key_usage_audit force row level security;
alter table public.exchange_api_calls enable row level security;
alter table public.exchange_api_calls force row level security;

create policy "Service role can insert usage logs" on public.api_key_usage_audit for insert to public
    with check ((select current_user) = 'service_role');
create policy "Users can view own api key usage" on public.api_key_usage_audit for select to public
    using (user_id = (select keygate.uid()));
create policy keygate_signer_insert on public.api_key_usage_audit for insert to keygate_signer
    with check (user_id = (select keygate.uid()));
create policy keygate_api_key_usage_audit_keysmith on public.api_key_usage_audit for insert to keygate_keysmith
    with check (user_id = (select keygate.uid()));

create policy exchange_api_calls_select_own on public.exchange_api_calls for select to public
    using (user_id = (select keygate.uid()));
create policy exchange_api_calls_insert_own on public.exchange_api_calls for insert to public
    with check (user_id = (select keygate.uid()));
-- in the contract, but neither is granted to anyone: a log that its subject can edit is no evidence
create policy exchange_api_calls_update_own on public.exchange_api_calls for update to public
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy exchange_api_calls_delete_own on public.exchange_api_calls for delete to public
    using (user_id = (select keygate.uid()));

grant select on public.api_key_usage_audit to authenticated, keygate_signer;
grant insert on public.api_key_usage_audit to service_role, keygate_signer, keygate_keysmith;
grant select, insert on public.exchange_api_calls to authenticated, keygate_signer;

-- What the management side does to a key: verified, added, paused, deleted. For the user of the context only.
create function keygate.record_key_event(
    p_id uuid,
    p_request_id uuid,
    p_api_key_id uuid,
    p_operation_type text,
    p_endpoint text,
    p_http_method text default null,
    p_ip_address inet default null,
    p_user_agent text default null,
    p_success bool default true,
    p_error_message text default null,
    p_exchange text default null
) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    insert into public.api_key_usage_audit (
        id, request_id, api_key_id, user_id, operation_type, endpoint, http_method, ip_address, user_agent,
        success, error_message, exchange
    ) values (
        p_id, p_request_id, p_api_key_id, keygate.uid(), p_operation_type, p_endpoint, p_http_method, p_ip_address,
        p_user_agent, p_success, p_error_message, p_exchange
    );
$$;
grant execute on function keygate.record_key_event(uuid, uuid, uuid, text, text, text, inet, text, bool, text, text)
    to authenticated;
alter function keygate.record_key_event(uuid, uuid, uuid, text, text, text, inet, text, bool, text, text)
    owner to keygate_keysmith;
