-- A dry run: what the limits of a connection would refuse is carried out, and its record says which rule would have.
alter table public.exchange_connections add column dry_run boolean not null default false;

-- in every replica's mind at once, as the limits themselves
create trigger exchange_connections_dry_run_announce after update of dry_run
    on public.exchange_connections for each row execute function keygate.announce();
