-- The names of certificates are put into certificate_names some thousands at a time: of those issued up to this place in the status log,
-- all are there. The names of later ones are kept in memory until then, and read from the certificates at start.
CREATE TABLE names_stored (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  sequence INTEGER NOT NULL
) STRICT;
INSERT INTO names_stored (id, sequence) SELECT 1, coalesce(max(sequence), 0) FROM status_log;
