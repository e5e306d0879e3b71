---- MODULE OutlineBase ----
VARIABLE base
FromBase(limit) == base' = limit
====
