-- The marts that show these models are refreshed by the next run of cht_marts.
update ops.relation set version = version + 1
where name = any(%s)
