-- The marts that show these models are refreshed by the next run of cht_marts, those of every hour, too.
with due as (
    update ops.mart_state set refreshed_at = '-infinity'
    where every = 'hour'
)

update ops.relation set version = version + 1
where name = any(%s)
