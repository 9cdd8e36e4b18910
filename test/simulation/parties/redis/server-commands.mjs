import { createMatcher } from './glob.mjs';
import { OK, ReplyError, Verbatim } from './resp.mjs';
import { evaluate, evaluateBySha, loadScript } from './scripts.mjs';

const EVENTS = 'notify-keyspace-events';

function getConfig({ server, args: [, , ...patterns] }) {
  const isAsked = patterns.some((pattern) => createMatcher(pattern.toLowerCase())(EVENTS));
  return new Map(isAsked ? [[EVENTS, String(server.eventFlags)]] : []);
}

function setConfig({ server, args: [, , name, value] }) {
  if (name.toLowerCase() !== EVENTS) {
    throw new ReplyError(`ERR Unknown option or number of arguments for CONFIG SET - '${name}'`);
  }
  try {
    server.eventFlags.set(value);
  } catch (error) {
    // So does Redis, and loses an `n` beside `A`, which the text does not show.
    server.eventFlags.set(String(server.eventFlags));
    throw new ReplyError(
      `ERR CONFIG SET failed (possibly related to argument '${EVENTS}') - ${error.message}`,
    );
  }
  return OK;
}

function info({ server, connection }) {
  const lines = [
    '# Server',
    'redis_version:7.0.15',
    'redis_mode:standalone',
    '# Clients',
    `connected_clients:${server.connections.length}`,
    '# Persistence',
    `loading:${server.isLoading ? 1 : 0}`,
    '# Replication',
    `role:${server.isReplicaFor(connection) ? 'slave' : 'master'}`,
    '',
  ];
  return new Verbatim(lines.join('\r\n'));
}

const FLAGS = 'noscript loading stale';

export const SERVER_COMMANDS = {
  info: { arity: -1, flags: 'loading stale', run: info },
  'config|get': { arity: -3, flags: FLAGS, run: getConfig },
  'config|set': { arity: -4, flags: FLAGS, run: setConfig },
  eval: { arity: -3, flags: 'noscript', run: evaluate },
  evalsha: { arity: -3, flags: 'noscript', run: evaluateBySha },
  'script|load': { arity: 3, flags: 'noscript stale', run: loadScript },
  'script|exists': {
    arity: -3,
    flags: 'noscript',
    run: ({ server, args: [, , ...shas] }) =>
      shas.map((sha) => (server.scripts.has(sha.toLowerCase()) ? 1 : 0)),
  },
  'script|flush': {
    arity: -2,
    flags: 'noscript',
    run: ({ server }) => {
      server.scripts.clear();
      return OK;
    },
  },
};
