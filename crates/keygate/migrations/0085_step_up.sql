-- A bot's symbol that will let it trade more: it waits as raised limits do. The gateway neither sees nor writes it.
create table keygate.pending_symbol (
    bot_id       uuid not null,
    user_id      uuid not null references public.users (id) on delete cascade,
    -- null: any
    symbol       text constraint pending_symbol_symbol_check check (length(symbol) between 1 and 50),
    asked_at     timestamptz not null,
    effective_at timestamptz not null,
    constraint pending_symbol_pkey primary key (bot_id),
    constraint pending_symbol_bot_id_fkey foreign key (bot_id, user_id)
        references public.bot_configs (id, user_id) on delete cascade,
    constraint pending_symbol_effective_at_check check (effective_at >= asked_at)
);
create index pending_symbol_user_id_idx on keygate.pending_symbol (user_id);
create index pending_symbol_effective_at_idx on keygate.pending_symbol (effective_at);

create trigger pending_symbol_keep_user_id before update on keygate.pending_symbol
    for each row execute function keygate.keep_user_id();

alter table keygate.pending_symbol enable row level security;
alter table keygate.pending_symbol force row level security;

create policy keygate_pending_symbol_own on keygate.pending_symbol for all to authenticated
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy keygate_pending_symbol_keysmith on keygate.pending_symbol for select to keygate_keysmith using (true);

grant select, insert, update (symbol, asked_at, effective_at), delete on keygate.pending_symbol to authenticated;
grant select (bot_id, user_id, effective_at) on keygate.pending_symbol to keygate_keysmith;

create function keygate.list_due_symbols(p_at timestamptz) returns table (bot_id uuid, user_id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select p.bot_id, p.user_id from keygate.pending_symbol p where p.effective_at <= p_at order by p.user_id, p.bot_id;
$$;
grant execute on function keygate.list_due_symbols(timestamptz) to service_role;
alter function keygate.list_due_symbols(timestamptz) owner to keygate_keysmith;

-- The bearer of an access token proved who they are when the family began, and not when a token was renewed.
set local role keygate_keysmith;
drop function keygate.find_bearer(uuid, uuid, int, timestamptz);
set local role keygate_owner;
create function keygate.find_bearer(who uuid, which uuid, stamp int, at timestamptz)
returns table (email text, name text, role text, is_active boolean, confirmed_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select u.email, u.name, u.role, u.is_active, f.created_at
        from public.users u join keygate.refresh_family f on f.user_id = u.id
        where u.id = who and f.id = which and f.revoked_at is null and f.expires_at > at
            and u.security_stamp = stamp and f.security_stamp = stamp
$$;
grant execute on function keygate.find_bearer(uuid, uuid, int, timestamptz) to anon;
alter function keygate.find_bearer(uuid, uuid, int, timestamptz) owner to keygate_keysmith;

-- A user sees how many of their records are chained; the MACs are nobody's to see.
create policy keygate_audit_head_own on keygate.audit_head for select to authenticated
    using (user_id = (select keygate.uid()));
grant select (user_id, log, seq) on keygate.audit_head to authenticated;
