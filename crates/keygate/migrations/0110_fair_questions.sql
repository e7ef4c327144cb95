-- Calls whose answer was lost are asked about connection by connection: a few of each, the first of everybody before the
-- second of anybody, so that one account with many keeps nobody else's waiting.
set local role keygate_keysmith;
create or replace function keygate.list_unsettled(p_at timestamptz, p_most int)
returns table (request_id uuid, place smallint, user_id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select r.request_id, r.place, r.user_id
    from (select o.request_id, o.place, o.user_id, o.ask_at,
                 row_number() over (partition by o.connection_id order by o.ask_at, o.request_id, o.place) as nth
          from keygate.reservation o where o.ask_at <= p_at) r
    where r.nth <= 20 order by r.nth, r.ask_at limit p_most;
$$;
set local role keygate_owner;
