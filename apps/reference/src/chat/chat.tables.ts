export const CHAT_TABLES = `
  CREATE TABLE IF NOT EXISTS messages (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL,
    sender_id TEXT NOT NULL,
    content TEXT NOT NULL,
    client_id TEXT,
    created_at TEXT NOT NULL,
    UNIQUE (conversation_id, sender_id, client_id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS messages_of_conversation ON messages (conversation_id, position);

  CREATE TABLE IF NOT EXISTS presence (
    user_id TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    updated_at TEXT NOT NULL
  ) STRICT;
`;
