import type { GivenOf, ValuesOf, VariablesOf } from './setting.js';
import { AUTH, CORS, RATE_LIMIT, REDIS } from './access.settings.js';
import { GENERAL } from './general.settings.js';
import { DRAIN, OVERLOAD, SERVER } from './server.settings.js';
import { PROXY } from './proxy.settings.js';
import { WEBSOCKET } from './websocket.settings.js';

/**
 * Everything that can be set, each once: the parser, the types, the page, the JSON schema, the help text and the doctor
 * come from here.
 */
export const TABLE = {
  ...GENERAL,
  server: SERVER,
  proxy: PROXY,
  websocket: WEBSOCKET,
  auth: AUTH,
  rateLimit: RATE_LIMIT,
  redis: REDIS,
  cors: CORS,
  overload: OVERLOAD,
  drain: DRAIN,
};

/** As they were set, or their defaults. */
export type ReadSettings = ValuesOf<typeof TABLE>;

/** What code may set in place of defaults; the environment wins. */
export type GivenSettings = GivenOf<typeof TABLE>;

/** Each value by its variable. */
export type VariableValues = VariablesOf<typeof TABLE>;
