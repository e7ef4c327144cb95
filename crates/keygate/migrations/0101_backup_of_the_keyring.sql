-- A dump without the master keys opens nothing again. They are stored wrapped under the root key, which is not in the
-- database: the dump and the root key are kept apart.
grant select on keygate.keyring to keygate_backup;
