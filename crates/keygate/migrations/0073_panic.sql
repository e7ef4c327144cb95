-- Who has stopped all signing, and since when. A row without an end is in force; the gateway looks here in the same
-- transaction in which it sets money aside, so nothing that moves money is signed after the commit of a row.
create table keygate.panic (
    id uuid not null,
    -- whose programs stand still; null: everybody's
    user_id uuid references public.users (id) on delete cascade,
    -- of one connection; null: of all
    connection_id uuid,
    reason text constraint panic_reason_check check (length(reason) between 1 and 500),
    started_at timestamptz not null,
    started_by uuid not null,
    ended_at timestamptz,
    ended_by uuid,
    constraint panic_pkey primary key (id),
    constraint panic_connection_id_fkey foreign key (connection_id, user_id)
        references public.exchange_connections (id, user_id) on delete cascade,
    constraint panic_site_check check (user_id is not null or connection_id is null),
    constraint panic_ended_at_check check ((ended_at is null) = (ended_by is null))
);
create index panic_user_id_idx on keygate.panic (user_id);
create unique index panic_in_force_key on keygate.panic (user_id, connection_id) nulls not distinct
    where ended_at is null;

create trigger panic_keep_user_id before update on keygate.panic
    for each row execute function keygate.keep_user_id();
create trigger panic_announce after insert or update on keygate.panic
    for each row execute function keygate.announce();

alter table keygate.panic enable row level security;
alter table keygate.panic force row level security;

-- everybody sees that the whole site stands still
create policy keygate_panic_select on keygate.panic for select to authenticated, keygate_signer
    using (user_id = (select keygate.uid()) or user_id is null);
create policy keygate_panic_insert on keygate.panic for insert to authenticated
    with check (user_id = (select keygate.uid()) and started_by = (select keygate.uid()));
create policy keygate_panic_update on keygate.panic for update to authenticated
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy keygate_panic_site_insert on keygate.panic for insert to keygate_admin
    with check (user_id is null and started_by = (select keygate.uid()));
create policy keygate_panic_site_update on keygate.panic for update to keygate_admin
    using (user_id is null) with check (user_id is null);

grant select, insert, update (ended_at, ended_by) on keygate.panic to authenticated;
grant select on keygate.panic to keygate_signer;
