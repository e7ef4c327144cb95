-- Signatures of money-moving calls that were used. A second use is a replay and is refused, on every replica,
-- because the insert stands in the same transaction as the record of the intent.
create table keygate.used_signature (
    access_key_id uuid not null,
    signature_id bytea not null constraint used_signature_signature_id_check check (octet_length(signature_id) = 32),
    user_id uuid not null references public.users (id) on delete cascade,
    used_at timestamptz not null,
    -- null: as long as the access key lives, for schemes that sign no time
    forget_after timestamptz,
    constraint used_signature_pkey primary key (access_key_id, signature_id),
    constraint used_signature_access_key_id_fkey foreign key (access_key_id, user_id)
        references public.access_keys (id, user_id) on delete cascade
);
create index used_signature_user_id_idx on keygate.used_signature (user_id);
create index used_signature_forget_after_idx on keygate.used_signature (forget_after) where forget_after is not null;

alter table keygate.used_signature enable row level security;
alter table keygate.used_signature force row level security;
create policy keygate_used_signature_insert on keygate.used_signature for insert to keygate_signer
    with check (user_id = (select keygate.uid()));
create policy keygate_used_signature_service on keygate.used_signature for all to service_role
    using (forget_after is not null) with check (false);
grant insert on keygate.used_signature to keygate_signer;
grant select (forget_after), delete on keygate.used_signature to service_role;
