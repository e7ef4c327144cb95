-- A record of a change says from what to what. It is the last column, and part of the authenticated form only where it is
-- there: rows from before have none, and keep their form.
alter table public.api_key_usage_audit add column changed json;

set local role keygate_keysmith;
drop function keygate.record_key_event(
    uuid, uuid, uuid, text, text, bool, text, text, timestamptz, inet, text, text, uuid, uuid, int, int,
    int, bool, text[], bigint, int, bytea);
set local role keygate_owner;
create function keygate.record_key_event(
    p_id uuid,
    p_request_id uuid,
    p_api_key_id uuid,
    p_operation_type text,
    p_endpoint text,
    p_success bool default true,
    p_error_message text default null,
    p_exchange text default null,
    p_created_at timestamptz default now(),
    p_ip_address inet default null,
    p_user_agent text default null,
    p_device_fingerprint text default null,
    p_access_key_id uuid default null,
    p_bot_id uuid default null,
    p_daily_usage_count int default 0,
    p_monthly_usage_count int default 0,
    p_risk_score int default 0,
    p_is_suspicious bool default false,
    p_suspicious_reasons text[] default null,
    p_changed text default null,
    p_chain_seq bigint default null,
    p_chain_key int default null,
    p_chain_mac bytea default null
) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    insert into public.api_key_usage_audit (
        id, request_id, api_key_id, user_id, operation_type, endpoint, success, error_message, exchange, created_at,
        ip_address, user_agent, device_fingerprint, access_key_id, bot_id, daily_usage_count, monthly_usage_count,
        risk_score, is_suspicious, suspicious_reasons, changed, chain_seq, chain_key, chain_mac
    ) values (
        p_id, p_request_id, p_api_key_id, keygate.uid(), p_operation_type, p_endpoint, p_success, p_error_message, p_exchange,
        p_created_at, p_ip_address, p_user_agent, p_device_fingerprint, p_access_key_id, p_bot_id, p_daily_usage_count,
        p_monthly_usage_count, p_risk_score, p_is_suspicious, p_suspicious_reasons, p_changed::json, p_chain_seq, p_chain_key,
        p_chain_mac
    );
$$;
grant execute on function keygate.record_key_event(
    uuid, uuid, uuid, text, text, bool, text, text, timestamptz, inet, text, text, uuid, uuid, int, int,
    int, bool, text[], text, bigint, int, bytea)
    to authenticated;
alter function keygate.record_key_event(
    uuid, uuid, uuid, text, text, bool, text, text, timestamptz, inet, text, text, uuid, uuid, int, int,
    int, bool, text[], text, bigint, int, bytea)
    owner to keygate_keysmith;
