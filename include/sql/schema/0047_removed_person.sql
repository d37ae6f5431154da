-- Persons who are gone, by their ids: not for those who were granted all of the schema history to read numbers.
do $$
declare
    reader oid;
begin
    for reader in
        select distinct granted.grantee
        from pg_class
        cross join lateral aclexplode(pg_class.relacl) as granted
        where pg_class.oid = 'history.removed_person'::regclass and granted.grantee not in (pg_class.relowner, 0)
    loop
        execute format('revoke all on history.removed_person from %s', reader::regrole);
    end loop;
    revoke all on history.removed_person from public;
end
$$;
