-- What the owner of a key must hear of, until they say that they have. The same thing again before that is counted on the
-- open alert, not listed once more, so a storm of events is one line with a number.
create table keygate.alert (
    id uuid not null,
    user_id uuid not null references public.users (id) on delete cascade,
    kind text not null constraint alert_kind_check check (kind ~ '^[a-z-]{1,40}$'),
    severity text not null constraint alert_severity_check check (severity in ('urgent', 'warning', 'notice')),
    -- what it is about, in so far as two alerts about it are the same
    subject text not null constraint alert_subject_check check (length(subject) between 1 and 200),
    text text not null constraint alert_text_check check (length(text) between 1 and 1000),
    -- no foreign key: an alert outlives what it is about
    connection_id uuid,
    -- of the last time
    request_id uuid,
    times int not null default 1 constraint alert_times_check check (times > 0),
    first_at timestamptz not null,
    last_at timestamptz not null,
    acknowledged_at timestamptz,
    constraint alert_pkey primary key (id),
    constraint alert_last_at_check check (last_at >= first_at)
);
create index alert_user_id_idx on keygate.alert (user_id, last_at desc, id desc);
create unique index alert_open_key on keygate.alert (user_id, kind, subject) where acknowledged_at is null;

create trigger alert_keep_user_id before update on keygate.alert
    for each row execute function keygate.keep_user_id();

alter table keygate.alert enable row level security;
alter table keygate.alert force row level security;

create policy keygate_alert_select on keygate.alert for select to authenticated
    using (user_id = (select keygate.uid()));
create policy keygate_alert_update on keygate.alert for update to authenticated
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
create policy keygate_alert_keysmith on keygate.alert for all to keygate_keysmith
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
grant select, update (acknowledged_at) on keygate.alert to authenticated;
grant select, insert, update (text, request_id, times, last_at) on keygate.alert to keygate_keysmith;

-- For the user of the context, by whoever noticed. True: it is a new one.
create function keygate.raise_alert(
    p_id uuid, p_kind text, p_severity text, p_subject text, p_text text, p_connection_id uuid, p_request_id uuid,
    p_at timestamptz
) returns bool
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    insert into keygate.alert (
        id, user_id, kind, severity, subject, text, connection_id, request_id, first_at, last_at
    ) values (
        p_id, keygate.uid(), p_kind, p_severity, p_subject, p_text, p_connection_id, p_request_id, p_at, p_at
    )
    on conflict (user_id, kind, subject) where acknowledged_at is null do update set
        text = excluded.text, request_id = excluded.request_id, times = alert.times + 1,
        last_at = greatest(alert.last_at, excluded.last_at)
    returning times = 1;
$$;
grant execute on function keygate.raise_alert(uuid, text, text, text, text, uuid, uuid, timestamptz)
    to authenticated, keygate_signer;
alter function keygate.raise_alert(uuid, text, text, text, text, uuid, uuid, timestamptz) owner to keygate_keysmith;
