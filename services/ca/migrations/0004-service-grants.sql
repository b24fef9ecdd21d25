-- What the discovery service may obtain certificates for. A grant is in force until it expires or is withdrawn; it stays on record. Lists are JSON.
CREATE TABLE service_grants (
  organisation TEXT    NOT NULL REFERENCES organisations,
  service      TEXT    NOT NULL,                -- of spiffe://<trust domain>/org/<organisation>/service/<service>
  grant_id     TEXT    NOT NULL,
  profile      TEXT    NOT NULL,
  dns_names    TEXT    NOT NULL,
  ip_addresses TEXT    NOT NULL,
  granted_by   TEXT    NOT NULL,
  granted_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  withdrawn_at INTEGER,
  PRIMARY KEY (organisation, service, grant_id)
) STRICT, WITHOUT ROWID;
