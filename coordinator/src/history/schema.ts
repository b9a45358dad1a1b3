/** Every table of the history. What is only ever read whole is kept as one JSON document. */
export const schema = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT OR IGNORE INTO meta VALUES ('schema', '1'), ('epoch', '0');

CREATE TABLE IF NOT EXISTS hosts (
	host TEXT PRIMARY KEY, public_key TEXT, admitted_at TEXT, journal TEXT, heard_at TEXT,
	description TEXT, inventory TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS resources (
	host TEXT NOT NULL, resource TEXT NOT NULL, first_seen_at TEXT NOT NULL, state TEXT,
	PRIMARY KEY (host, resource)
) STRICT;
CREATE TABLE IF NOT EXISTS archives (
	host TEXT NOT NULL, resource TEXT NOT NULL, archive TEXT NOT NULL, taken_at TEXT NOT NULL, document TEXT NOT NULL,
	PRIMARY KEY (host, resource, archive)
) STRICT;
CREATE TABLE IF NOT EXISTS fences (
	host TEXT NOT NULL, resource TEXT NOT NULL, fence INTEGER NOT NULL, PRIMARY KEY (host, resource)
) STRICT;

CREATE TABLE IF NOT EXISTS requests (
	id TEXT PRIMARY KEY, principal TEXT NOT NULL, asked_at TEXT NOT NULL, body TEXT NOT NULL, response TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS runs (
	number INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, host TEXT NOT NULL, resource TEXT NOT NULL,
	operation TEXT NOT NULL, state TEXT NOT NULL, ended INTEGER NOT NULL, hidden INTEGER NOT NULL,
	ended_ms INTEGER, cleared INTEGER NOT NULL, record TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS runs_of_resource ON runs (host, resource, hidden, number);
CREATE INDEX IF NOT EXISTS runs_open ON runs (number) WHERE ended = 0;
CREATE INDEX IF NOT EXISTS runs_published ON runs (ended_ms) WHERE cleared = 0 AND ended = 1;
CREATE INDEX IF NOT EXISTS runs_answers ON runs (ended_ms) WHERE hidden = 1 AND ended = 1;
CREATE TABLE IF NOT EXISTS run_steps (
	run TEXT NOT NULL, number INTEGER NOT NULL, step TEXT NOT NULL, PRIMARY KEY (run, number)
) STRICT;
CREATE TABLE IF NOT EXISTS commands (
	id TEXT PRIMARY KEY, run TEXT NOT NULL, host TEXT NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL,
	start_by TEXT NOT NULL, state TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS commands_pending ON commands (id) WHERE state = 'pending';

CREATE TABLE IF NOT EXISTS plans (plan TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS schedules (name TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS accounts (
	name TEXT PRIMARY KEY, role TEXT NOT NULL, password_hash TEXT NOT NULL, made_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS invitations (
	secret_hash TEXT PRIMARY KEY, host TEXT NOT NULL, expires_ms INTEGER NOT NULL, used_at TEXT
) STRICT;
`;
