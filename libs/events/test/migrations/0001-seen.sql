CREATE TABLE seen (
  id             INTEGER PRIMARY KEY,
  certificate_id TEXT NOT NULL
) STRICT;
