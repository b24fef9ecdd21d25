-- Which services there are, how each came to its identity, and what its agent has been told. Times are UTC in milliseconds since 1970; lists are JSON.

-- Write requests that have been answered: a repeat with the same content gets the same answer.
CREATE TABLE requests (
  requester      TEXT    NOT NULL,
  request_id     TEXT    NOT NULL,
  content_sha256 BLOB    NOT NULL,
  target         TEXT    NOT NULL,
  at             INTEGER NOT NULL,
  PRIMARY KEY (requester, request_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE vcc_services (
  organisation   TEXT    NOT NULL,
  service        TEXT    NOT NULL,
  type           TEXT    NOT NULL,
  description    TEXT    NOT NULL,
  owner          TEXT    NOT NULL,
  endpoints      TEXT    NOT NULL,
  health_url     TEXT    NOT NULL,
  health_dialect TEXT    NOT NULL,
  dns_names      TEXT    NOT NULL,
  ip_addresses   TEXT    NOT NULL,
  profile        TEXT    NOT NULL,
  depends_on     TEXT    NOT NULL,
  managed_by     TEXT    NOT NULL,              -- '': it has an agent of its own
  state          TEXT    NOT NULL
                 CHECK (state IN ('discovered', 'pending_approval', 'pending_cert', 'active', 'unreachable', 'inactive')),
  state_reason   TEXT    NOT NULL,
  source         TEXT    NOT NULL,
  approved_by    TEXT    CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
  approved_at    INTEGER,
  registered_at  INTEGER NOT NULL,
  changed_at     INTEGER NOT NULL,
  seen_at        INTEGER,
  version        INTEGER NOT NULL,              -- counts changes of what is registered
  certificate_id TEXT,                          -- the newest one, with what is known of it
  cert_profile   TEXT    CHECK ((cert_profile IS NULL) = (certificate_id IS NULL)),
  not_before     INTEGER CHECK ((not_before IS NULL) = (certificate_id IS NULL)),
  not_after      INTEGER CHECK ((not_after IS NULL) = (certificate_id IS NULL)),
  served_at      INTEGER,
  revoked_at     INTEGER,
  PRIMARY KEY (organisation, service)
) STRICT, WITHOUT ROWID;
CREATE INDEX services_by_state ON vcc_services (organisation, state);
CREATE INDEX services_by_end ON vcc_services (not_after) WHERE state IN ('active', 'unreachable');

-- What has happened to each service.
CREATE TABLE service_changes (
  change_id    INTEGER NOT NULL PRIMARY KEY,
  organisation TEXT    NOT NULL,
  service      TEXT    NOT NULL,
  change       TEXT    NOT NULL,
  from_state   TEXT,                            -- NULL: there was none
  to_state     TEXT    NOT NULL,
  reason       TEXT    NOT NULL,
  actor        TEXT    NOT NULL,
  at           INTEGER NOT NULL
) STRICT;
CREATE INDEX changes_of_service ON service_changes (organisation, service, change_id);
