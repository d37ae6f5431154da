-- The next run of cht_marts refreshes all marts that read these models, even those that are refreshed once an hour.
with due as (
    update ops.mart_state set refreshed_at = '-infinity'
    where every = 'hour'
)

update ops.relation set version = version + 1
where name = any(%s)
