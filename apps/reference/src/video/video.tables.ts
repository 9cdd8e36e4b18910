export const VIDEO_TABLES = `
  CREATE TABLE IF NOT EXISTS calls (
    id TEXT PRIMARY KEY,
    conversation_id TEXT,
    caller_id TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'ringing',
    created_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT
  ) STRICT;

  CREATE TABLE IF NOT EXISTS call_participants (
    call_id TEXT NOT NULL REFERENCES calls ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    joined_at TEXT,
    PRIMARY KEY (call_id, user_id)
  ) STRICT;
`;
