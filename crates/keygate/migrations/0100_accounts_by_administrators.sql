-- An account that an administrator makes is on record in the transaction that makes it.
set local role keygate_keysmith;
grant execute on function keygate.make_user(uuid, text, text, text, timestamptz) to keygate_admin;
set local role keygate_owner;
