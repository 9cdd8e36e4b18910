export const AUTH_TABLES = `
  CREATE TABLE IF NOT EXISTS users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    username TEXT NOT NULL COLLATE NOCASE UNIQUE,
    password TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT 'user',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
  ) STRICT;

  -- rotation names the one refresh token that is still good.
  CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    rotation TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (user_id);
  CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires_at);

  -- No foreign keys: a token must stay refused after its session and its user are gone.
  CREATE TABLE IF NOT EXISTS access_tokens (
    jti TEXT PRIMARY KEY,
    session_id TEXT,
    user_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX IF NOT EXISTS access_tokens_of_session ON access_tokens (session_id);
  CREATE INDEX IF NOT EXISTS access_tokens_of_user ON access_tokens (user_id);
  CREATE INDEX IF NOT EXISTS access_tokens_by_expiry ON access_tokens (expires_at);

  CREATE TABLE IF NOT EXISTS mail_outbox (
    token TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    recipient TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    sent INTEGER NOT NULL DEFAULT 1,
    UNIQUE (user_id, purpose)
  ) STRICT;

  -- In place of a letter that is not sent, so that a request costs the same whether or not its address has an account.
  CREATE TABLE IF NOT EXISTS mail_decoys (
    token TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    user_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    sent INTEGER NOT NULL,
    UNIQUE (user_id, purpose)
  ) STRICT;

  -- Wrong passwords until window_end, in milliseconds since 1970. No foreign key: addresses without an account are counted
  -- alike.
  CREATE TABLE IF NOT EXISTS password_attempts (
    subject BLOB PRIMARY KEY,
    wrong INTEGER NOT NULL,
    window_end INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS password_attempts_by_end ON password_attempts (window_end);

  CREATE TABLE IF NOT EXISTS friendships (
    requester_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    addressee_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    status TEXT NOT NULL DEFAULT 'pending',
    since TEXT NOT NULL,
    PRIMARY KEY (requester_id, addressee_id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS friendships_of_addressee ON friendships (addressee_id);

  CREATE TABLE IF NOT EXISTS blocks (
    blocker_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    blocked_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    since TEXT NOT NULL,
    PRIMARY KEY (blocker_id, blocked_id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS blocks_of_blocked ON blocks (blocked_id);

  CREATE TABLE IF NOT EXISTS conversations (
    id TEXT PRIMARY KEY,
    title TEXT,
    owner_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    settings TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS conversations_of_owner ON conversations (owner_id);

  CREATE TABLE IF NOT EXISTS participants (
    conversation_id TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    joined_at TEXT NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS participants_by_user ON participants (user_id);

  CREATE TABLE IF NOT EXISTS key_bundles (
    user_id TEXT PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    version INTEGER NOT NULL,
    bundle TEXT NOT NULL,
    updated_at TEXT NOT NULL
  ) STRICT;

  -- Those that were given to somebody stay, so that none is given again.
  CREATE TABLE IF NOT EXISTS one_time_pre_keys (
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    public_key TEXT NOT NULL,
    key_id INTEGER NOT NULL,
    is_given INTEGER NOT NULL DEFAULT 0,
    UNIQUE (user_id, public_key)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS one_time_pre_keys_left ON one_time_pre_keys (user_id) WHERE NOT is_given;

  -- Who got a one-time key of whom, in milliseconds since 1970.
  CREATE TABLE IF NOT EXISTS one_time_pre_key_readers (
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    reader_id TEXT NOT NULL,
    given_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, reader_id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS one_time_pre_key_readers_by_time ON one_time_pre_key_readers (given_at);

  -- Bundles of earlier versions have their one-time keys within: each of their readers got all of them.
  INSERT OR IGNORE INTO one_time_pre_keys (user_id, public_key, key_id, is_given)
  SELECT user_id, value ->> 'public_key', value ->> 'key_id', 1
  FROM key_bundles, json_each(bundle, '$.one_time_pre_keys') WHERE true;
  UPDATE key_bundles SET bundle = json_remove(bundle, '$.one_time_pre_keys')
  WHERE json_type(bundle, '$.one_time_pre_keys') IS NOT NULL;
`;
