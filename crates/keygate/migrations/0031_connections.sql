-- Finding the same exchange key twice without opening any: a keyed fingerprint of its public half.
alter table public.api_keys add column fingerprint text
    constraint api_keys_fingerprint_check check (fingerprint ~ '^[0-9a-f]{16}$');
create index api_keys_fingerprint_idx on public.api_keys (user_id, fingerprint);

-- Personal keys may also manage: the command line signs in with one.
alter table public.access_keys drop constraint access_keys_scopes_check;
alter table public.access_keys add constraint access_keys_scopes_check
    check (scopes <@ array['read', 'manage', 'trade', 'transfer', 'withdraw'] and cardinality(scopes) > 0);
