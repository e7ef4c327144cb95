-- The gateway notes when a connection was used last. Its state, and what its owner was told of it, are for others to write.
revoke update (status, last_successful_ping, last_error_message, error_count)
    on public.exchange_connections from keygate_signer;
