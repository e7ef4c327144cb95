-- What became of a call is asked of the exchange. Where that cannot be asked, its owner says it; the gateway's role is not
-- involved, and the management side's may do this and nothing else to a reservation.
create policy keygate_reservation_settle on keygate.reservation for update to keygate_keysmith
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy keygate_spend_window_settle_select on keygate.spend_window for select to keygate_keysmith
    using (user_id = (select keygate.uid()));
create policy keygate_spend_window_settle_update on keygate.spend_window for update to keygate_keysmith
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
grant select (connection_id, kind, usd, state, made_at), update (state, changed_at, ask_at) on keygate.reservation
    to keygate_keysmith;
grant select (connection_id, kind, starts_at, user_id, used), update (used) on keygate.spend_window to keygate_keysmith;

-- Settles one order or withdrawal of the user of the context, if nobody knows what became of it; what never happened is
-- given back. False: somebody knows, or there is no such call. Locks what the gateway locks, in its order.
create function keygate.settle_reservation(p_request_id uuid, p_place smallint, p_happened bool, p_at timestamptz)
returns bool
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
declare
    own record;
begin
    update keygate.reservation r
        set state = case when p_happened then 'confirmed' else 'rejected' end, changed_at = p_at, ask_at = null
        where r.request_id = p_request_id and r.place = p_place and r.user_id = keygate.uid() and r.state = 'unknown'
        returning r.connection_id, r.kind, r.made_at, r.usd into own;
    if not found then
        return false;
    end if;
    if p_happened or own.usd is null then
        return true;
    end if;
    update keygate.spend_window w set used = greatest(w.used - own.usd, 0)
        where w.connection_id = own.connection_id
            and w.kind = own.kind || '-day' and w.starts_at = date_trunc('day', own.made_at, 'UTC');
    update keygate.spend_window w set used = greatest(w.used - own.usd, 0)
        where w.connection_id = own.connection_id
            and w.kind = own.kind || '-month' and w.starts_at = date_trunc('month', own.made_at, 'UTC');
    return true;
end
$$;
grant execute on function keygate.settle_reservation(uuid, smallint, bool, timestamptz) to authenticated;
alter function keygate.settle_reservation(uuid, smallint, bool, timestamptz) owner to keygate_keysmith;
