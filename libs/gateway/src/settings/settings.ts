import type { GivenOf, ValuesOf, VariablesOf } from './setting.js';
import { AUTH, RATE_LIMIT, REDIS } from './access.settings.js';
import { CORS } from './cors.settings.js';
import { GENERAL } from './general.settings.js';
import { DRAIN, OVERLOAD, SERVER } from './server.settings.js';
import { PROXY } from './proxy.settings.js';
import { WEBSOCKET } from './websocket.settings.js';

/** All settings. The parser, the types, the page, the JSON schema, the help text and the doctor read this table. */
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

/** The values that were set, or the defaults. */
export type ReadSettings = ValuesOf<typeof TABLE>;

/** Settings that code gives, all optional: they replace the defaults. The environment wins. */
export type GatewaySettings = GivenOf<typeof TABLE>;

/** Each value by its variable. */
export type VariableValues = VariablesOf<typeof TABLE>;
