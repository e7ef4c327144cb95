-- The record says who it was by the device, what the score was and why, and how often the key was used so far. These columns
-- were part of the authenticated form from the start, as constants: old rows keep their form.
alter type keygate.call_record
    add attribute device text,
    add attribute daily int,
    add attribute monthly int,
    add attribute score int,
    add attribute suspicious bool,
    add attribute reasons text[];

set local role keygate_keysmith;
drop function keygate.record_key_event(
    uuid, uuid, uuid, text, text, bool, text, text, timestamptz, bigint, int, bytea);
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
    p_chain_seq bigint default null,
    p_chain_key int default null,
    p_chain_mac bytea default null
) returns void
language sql security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    insert into public.api_key_usage_audit (
        id, request_id, api_key_id, user_id, operation_type, endpoint, success, error_message, exchange, created_at,
        ip_address, user_agent, device_fingerprint, access_key_id, bot_id, daily_usage_count, monthly_usage_count,
        risk_score, is_suspicious, suspicious_reasons, chain_seq, chain_key, chain_mac
    ) values (
        p_id, p_request_id, p_api_key_id, keygate.uid(), p_operation_type, p_endpoint, p_success, p_error_message, p_exchange,
        p_created_at, p_ip_address, p_user_agent, p_device_fingerprint, p_access_key_id, p_bot_id, p_daily_usage_count,
        p_monthly_usage_count, p_risk_score, p_is_suspicious, p_suspicious_reasons, p_chain_seq, p_chain_key, p_chain_mac
    );
$$;
grant execute on function keygate.record_key_event(
    uuid, uuid, uuid, text, text, bool, text, text, timestamptz, inet, text, text, uuid, uuid, int, int,
    int, bool, text[], bigint, int, bytea)
    to authenticated;
alter function keygate.record_key_event(
    uuid, uuid, uuid, text, text, bool, text, text, timestamptz, inet, text, text, uuid, uuid, int, int,
    int, bool, text[], bigint, int, bytea)
    owner to keygate_keysmith;
