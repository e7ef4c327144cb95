-- Finding the same exchange key twice without opening any: a keyed fingerprint of its public half.
alter table public.api_keys add column fingerprint text
    constraint api_keys_fingerprint_check check (fingerprint ~ '^[0-9a-f]{16}$');
-- One current row per exchange key, whatever its name: two requests at the same moment cannot store it twice.
create unique index api_keys_user_id_fingerprint_key on public.api_keys (user_id, fingerprint)
    where is_active and is_rotation_active and rotation_grace_period_ends_at is null;

-- Personal keys may also manage: the command line signs in with one.
alter table public.access_keys drop constraint access_keys_scopes_check;
alter table public.access_keys add constraint access_keys_scopes_check
    check (scopes <@ array['read', 'manage', 'trade', 'transfer', 'withdraw'] and cardinality(scopes) > 0);
