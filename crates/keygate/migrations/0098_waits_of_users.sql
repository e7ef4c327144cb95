-- A shorter wait of raised limits that was asked for is put in force by the job that puts raised limits in force, so that
-- its owner hears of it and it stands on record.
create index loosening_delay_next_at_idx on keygate.loosening_delay (next_at) where next_at is not null;
create policy keygate_loosening_delay_keysmith on keygate.loosening_delay for select to keygate_keysmith using (true);
grant select (user_id, next_at) on keygate.loosening_delay to keygate_keysmith;

create function keygate.list_due_delays(p_at timestamptz) returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select d.user_id from keygate.loosening_delay d where d.next_at <= p_at order by d.user_id;
$$;
grant execute on function keygate.list_due_delays(timestamptz) to service_role;
alter function keygate.list_due_delays(timestamptz) owner to keygate_keysmith;
