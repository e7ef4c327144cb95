-- Keys made here that wait for the API key their exchange gives for the public half.

create table keygate.own_key (
    id             uuid not null,
    user_id        uuid not null references public.users (id) on delete cascade,
    exchange       text not null,
    environment    text not null,
    kind           text not null,
    public_key_pem text not null,
    secret         text not null,
    created_at     timestamptz not null,
    expires_at     timestamptz not null,
    constraint own_key_pkey primary key (id),
    constraint own_key_id_user_id_key unique (id, user_id),
    constraint own_key_exchange_check check (exchange ~ '^[a-z0-9-]{1,32}$'),
    constraint own_key_environment_check check (environment ~ '^[a-z0-9-]{1,32}$'),
    constraint own_key_kind_check check (kind in ('ed25519', 'rsa')),
    constraint own_key_public_key_pem_check check (public_key_pem like '-----BEGIN PUBLIC KEY-----%'),
    constraint own_key_secret_check check (secret ~ '^kg1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'),
    constraint own_key_expires_at_check check (expires_at > created_at)
);

create index own_key_user_id_created_at_idx on keygate.own_key (user_id, created_at);
create index own_key_expires_at_idx on keygate.own_key (expires_at);

create trigger own_key_keep_user_id before update on keygate.own_key
    for each row execute function keygate.keep_user_id();

alter table keygate.own_key enable row level security;
alter table keygate.own_key force row level security;

create policy keygate_own_key_select on keygate.own_key for select to authenticated
    using (user_id = (select keygate.uid()));
create policy keygate_own_key_insert on keygate.own_key for insert to authenticated
    with check (user_id = (select keygate.uid()));
create policy keygate_own_key_update on keygate.own_key for update to authenticated
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy keygate_own_key_delete on keygate.own_key for delete to authenticated
    using (user_id = (select keygate.uid()));
-- ids, owners and ends only (column grant)
create policy keygate_own_key_keysmith on keygate.own_key for select to keygate_keysmith
    using (true);

grant select, insert, delete on keygate.own_key to authenticated;
-- re-sealing under a new user key changes this, and nothing else
grant update (secret) on keygate.own_key to authenticated;
grant select (id, user_id, expires_at) on keygate.own_key to keygate_keysmith;

-- A record may be about a key that still waits: it becomes a generation of its connection under the same id.
set local role keygate_keysmith;
create or replace function keygate.check_audit_parent() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
begin
    if not exists (select from public.api_keys where id = new.api_key_id and user_id = new.user_id)
        and not exists (select from keygate.own_key where id = new.api_key_id and user_id = new.user_id)
    then
        raise foreign_key_violation using
            message = 'no such key of this user',
            constraint = 'api_key_usage_audit_api_key_id_fkey', table = 'api_key_usage_audit';
    end if;
    return new;
end
$$;
set local role keygate_owner;

-- Keys nobody completed in time. The job learns whose they are and then acts as each of them.
create function keygate.list_expired_own_keys(p_at timestamptz) returns table (own_key_id uuid, user_id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select k.id, k.user_id from keygate.own_key k where k.expires_at <= p_at order by k.user_id;
$$;
grant execute on function keygate.list_expired_own_keys(timestamptz) to service_role;
alter function keygate.list_expired_own_keys(timestamptz) owner to keygate_keysmith;
