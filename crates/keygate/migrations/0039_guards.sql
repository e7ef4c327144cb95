-- What holds for every table with a user holds for those of signing in as well: a row never changes hands, and a
-- child names the same user as its parent.

create trigger session_keep_user_id before update on keygate.session
    for each row execute function keygate.keep_user_id();
create trigger refresh_family_keep_user_id before update on keygate.refresh_family
    for each row execute function keygate.keep_user_id();
create trigger refresh_token_keep_user_id before update on keygate.refresh_token
    for each row execute function keygate.keep_user_id();
create trigger device_keep_user_id before update on keygate.device
    for each row execute function keygate.keep_user_id();
create trigger used_signature_keep_user_id before update on keygate.used_signature
    for each row execute function keygate.keep_user_id();

-- the check of existing rows must see them, which forced row security denies even to the owner
alter table keygate.refresh_family no force row level security;
alter table keygate.refresh_token no force row level security;
alter table keygate.refresh_family add constraint refresh_family_id_user_id_key unique (id, user_id);
alter table keygate.refresh_token drop constraint refresh_token_family_id_fkey;
alter table keygate.refresh_token add constraint refresh_token_family_id_fkey foreign key (family_id, user_id)
    references keygate.refresh_family (id, user_id) on delete cascade;
alter table keygate.refresh_family force row level security;
alter table keygate.refresh_token force row level security;
