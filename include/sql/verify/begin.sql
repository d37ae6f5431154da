-- Inserts the row of a comparison that begins; returns its number.
insert into ops.verification (source, repair)
values (%(source)s, %(repair)s)
returning verification
