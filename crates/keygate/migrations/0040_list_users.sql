-- The list of users without their password hashes, and only for somebody who is an administrator: the role alone
-- says which pool a statement came from, not who stands behind it.

set local role keygate_keysmith;
drop function keygate.list_users();
set local role keygate_owner;

create function keygate.list_users()
returns table (
    id uuid, user_no int, email text, name text, role text, is_active bool,
    created_at timestamptz, updated_at timestamptz, last_login_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = on as $$
    select u.id, u.user_no, u.email, u.name, u.role, u.is_active, u.created_at, u.updated_at, u.last_login_at
    from public.users u
    where exists (
        select from public.users me where me.id = keygate.uid() and me.is_active and me.role in ('owner', 'admin')
    )
    order by u.user_no;
$$;
grant execute on function keygate.list_users() to keygate_admin;
alter function keygate.list_users() owner to keygate_keysmith;
