-- Who may call: organizations and their API keys. Only the SHA-256 of a key is kept.
CREATE TABLE organizations (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('staff', 'client', 'admin', 'service')),
    client_id text,
    scopes text[] NOT NULL,
    digest bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    CHECK ((kind = 'client') = (client_id IS NOT NULL))
);
CREATE INDEX api_keys_by_organization ON api_keys (org_id, id);
