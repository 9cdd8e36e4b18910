export const STORAGE_TABLES = `
  -- status: pending until the bytes are here, uploaded until the owner has said so, then complete.
  CREATE TABLE IF NOT EXISTS files (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL,
    filename TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    created_at TEXT NOT NULL,
    upload_until TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS files_of_owner ON files (owner_id);
`;
