-- What was answered to a request that its caller named with an Idempotency-Key, so that sending it again gives the answer
-- and does nothing. Neither the key nor the request is here: a MAC of each tells whether it is the same one. The answer is
-- sealed under the user's key, because it may hold a secret that is shown once.

create table keygate.idempotency_key (
    user_id       uuid not null references public.users (id) on delete cascade,
    key_mac       bytea not null,
    -- of what the request makes, if it makes something: a request that is carried out again meets it
    id            uuid not null,
    request_mac   bytea not null,
    started_at    timestamptz not null,
    -- who carries it out, and until when the others believe that somebody does
    run           uuid not null,
    claimed_until timestamptz not null,
    -- null: not answered yet
    status        smallint,
    content_type  text,
    -- null behind a status: what it held is not kept any longer
    answer        text,
    answer_until  timestamptz,
    constraint idempotency_key_pkey primary key (user_id, key_mac),
    constraint idempotency_key_mac_check check (octet_length(key_mac) = 32 and octet_length(request_mac) = 32),
    constraint idempotency_key_status_check check (status between 200 and 499),
    constraint idempotency_key_answer_check check (answer ~ '^kg1\.[0-9]+\.[A-Za-z0-9_-]{64,}$'),
    constraint idempotency_key_answered_check check (
        (status is null) = (answer_until is null) and (status is not null or answer is null)
    )
);
create index idempotency_key_started_at_idx on keygate.idempotency_key (started_at);
create index idempotency_key_answer_until_idx on keygate.idempotency_key (answer_until) where answer is not null;

create trigger idempotency_key_keep_user_id before update on keygate.idempotency_key
    for each row execute function keygate.keep_user_id();

alter table keygate.idempotency_key enable row level security;
alter table keygate.idempotency_key force row level security;

create policy keygate_idempotency_key_own on keygate.idempotency_key for all to authenticated
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
-- the jobs forget what is over, and see nothing else
create policy keygate_idempotency_key_forget on keygate.idempotency_key for delete to service_role
    using (started_at < now() - interval '1 day');
create policy keygate_idempotency_key_over on keygate.idempotency_key for select to service_role
    using (started_at < now() - interval '1 day' or answer_until < now());
create policy keygate_idempotency_key_wipe on keygate.idempotency_key for update to service_role
    using (answer_until < now()) with check (answer is null);

grant select, insert, delete on keygate.idempotency_key to authenticated;
grant update (id, request_mac, started_at, run, claimed_until, status, content_type, answer, answer_until)
    on keygate.idempotency_key to authenticated;
grant select (started_at, answer_until), update (answer), delete on keygate.idempotency_key to service_role;
