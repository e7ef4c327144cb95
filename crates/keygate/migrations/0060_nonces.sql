-- The last nonce of each key at exchanges that want every nonce larger than the one before. One row per real key,
-- for all replicas and across restarts.
create table keygate.nonce (
    api_key_id uuid not null,
    user_id uuid not null references public.users (id) on delete cascade,
    last bigint not null constraint nonce_last_check check (last > 0),
    constraint nonce_pkey primary key (api_key_id),
    constraint nonce_api_key_id_fkey foreign key (api_key_id, user_id)
        references public.api_keys (id, user_id) on delete cascade
);
create index nonce_user_id_idx on keygate.nonce (user_id);

create trigger nonce_keep_user_id before update on keygate.nonce
    for each row execute function keygate.keep_user_id();

alter table keygate.nonce enable row level security;
alter table keygate.nonce force row level security;
create policy keygate_nonce_select on keygate.nonce for select to keygate_signer
    using (user_id = (select keygate.uid()));
create policy keygate_nonce_insert on keygate.nonce for insert to keygate_signer
    with check (user_id = (select keygate.uid()));
create policy keygate_nonce_update on keygate.nonce for update to keygate_signer
    using (user_id = (select keygate.uid())) with check (user_id = (select keygate.uid()));
grant select, insert, update (last) on keygate.nonce to keygate_signer;
