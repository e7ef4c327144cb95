-- Whoever has a key that ends hears of it a month and a week before.
alter table public.access_keys add column told_days smallint;
comment on column public.access_keys.told_days is 'So many days before its end its owner was told of that';
grant update (told_days) on public.access_keys to authenticated;
create index access_keys_expires_at_idx on public.access_keys (expires_at) where revoked_at is null;

-- Keys that end soon, with the nearest of the two moments that has come and that nobody was told of.
create function keygate.list_ending_access_keys(p_at timestamptz)
returns table (access_key_id uuid, user_id uuid, days smallint)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select distinct on (k.user_id, k.id) k.id, k.user_id, d.days::smallint
    from public.access_keys k join (values (7), (30)) d (days)
        on k.expires_at <= p_at + d.days * interval '24 hours' and d.days < coalesce(k.told_days, 31)
    where k.revoked_at is null and not k.honey and k.expires_at > p_at
        -- one that was made for so short a time ends as it was meant to
        and k.expires_at - k.created_at > d.days * interval '24 hours'
    order by k.user_id, k.id, d.days;
$$;
grant execute on function keygate.list_ending_access_keys(timestamptz) to service_role;
alter function keygate.list_ending_access_keys(timestamptz) owner to keygate_keysmith;
