export const STORAGE_TABLES = `
  -- status: pending until the bytes are here, uploaded until the owner has said so, then complete; deleted is gone for
  -- everybody, and takes room until its bytes are gone as well.
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
  CREATE INDEX IF NOT EXISTS files_pending ON files (upload_until) WHERE status = 'pending';
  CREATE INDEX IF NOT EXISTS files_deleted ON files (id) WHERE status = 'deleted';

  -- Uploads in progress. part names the file that is written; lease_until is in milliseconds since 1970.
  CREATE TABLE IF NOT EXISTS uploads (
    file_id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL,
    part TEXT NOT NULL,
    lease_until INTEGER NOT NULL
  ) STRICT;
`;
