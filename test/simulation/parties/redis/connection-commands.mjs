import { toInteger } from './arguments.mjs';
import { OK, ReplyError, SimpleString, Verbatim } from './resp.mjs';

/** The version that the stand-in imitates. */
const VERSION = '7.0.15';

const WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.';
const NO_PASSWORD =
  'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?';
const HELLO_NOAUTH =
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option ' +
  'can be used to authenticate the client and select the RESP protocol version at the same time';

function authenticate({ server, connection }, user, password) {
  const expected = server.passwords.get(user);
  // A default user without a password takes any.
  const isOpen = user === 'default' && expected === undefined;
  if (!isOpen && (expected === undefined || expected !== password)) throw new ReplyError(WRONG_PASSWORD);
  connection.isAuthenticated = true;
}

function auth(call) {
  const { server, args } = call;
  if (args.length > 3) throw new ReplyError('ERR syntax error');
  if (args.length === 2 && !server.passwords.has('default')) throw new ReplyError(NO_PASSWORD);
  authenticate(call, args.length === 3 ? args[1] : 'default', args.at(-1));
  return OK;
}

function parseHello([, version, ...options]) {
  const parsed = { protocol: undefined, login: undefined, name: undefined };
  if (version === undefined) return parsed;
  const protocol = toInteger(version, 'ERR Protocol version is not an integer or out of range');
  if (protocol !== 2n && protocol !== 3n) throw new ReplyError('NOPROTO unsupported protocol version');
  parsed.protocol = Number(protocol);
  for (let index = 0; index < options.length; index++) {
    const left = options.length - index - 1;
    const option = options[index].toUpperCase();
    if (option === 'AUTH' && left >= 2) parsed.login = [options[++index], options[++index]];
    else if (option === 'SETNAME' && left >= 1) parsed.name = options[++index];
    else throw new ReplyError(`ERR Syntax error in HELLO option '${options[index]}'`);
  }
  return parsed;
}

function hello(call) {
  const { server, connection, args } = call;
  const { protocol, login, name } = parseHello(args);
  if (login) authenticate(call, ...login);
  if (!connection.isAuthenticated) throw new ReplyError(HELLO_NOAUTH);
  if (name !== undefined) setName(connection, name);
  connection.protocol = protocol ?? connection.protocol;
  return new Map([
    ['server', 'redis'],
    ['version', VERSION],
    ['proto', connection.protocol],
    ['id', connection.id],
    ['mode', 'standalone'],
    ['role', server.isReplicaFor(connection) ? 'replica' : 'master'],
    ['modules', []],
  ]);
}

function setName(connection, name) {
  if (!/^[!-~]*$/.test(name)) {
    throw new ReplyError('ERR Client names cannot contain spaces, newlines or special characters.');
  }
  connection.name = name;
}

function select({ server, connection, args: [, text] }) {
  const index = toInteger(text);
  if (server.keyspace.at(Number(index)) === undefined) throw new ReplyError('ERR DB index is out of range');
  connection.database = Number(index);
  return OK;
}

function ping({ connection, args: [, ...message] }) {
  if (message.length > 1) throw new ReplyError("ERR wrong number of arguments for 'ping' command");
  if (connection.protocol === 2 && connection.subscriptionCount > 0) return ['pong', message[0] ?? ''];
  return message[0] ?? new SimpleString('PONG');
}

const describeConnection = ({ id, name, database, channels, patterns, protocol }) =>
  `id=${id} name=${name} db=${database} sub=${channels.size} psub=${patterns.size} resp=${protocol}\n`;

const isOfType = {
  pubsub: (connection) => connection.subscriptionCount > 0,
  normal: (connection) => connection.subscriptionCount === 0,
};

/** CLIENT KILL by TYPE or ID. A connection that kills itself gets the reply. */
function kill({ server, connection, args: [, , filter, value] }) {
  const kind = filter.toUpperCase();
  let isKilled = isOfType[value?.toLowerCase()];
  if (kind === 'ID' && value !== undefined) isKilled = ({ id }) => String(id) === value;
  else if (kind !== 'TYPE' || !isKilled) throw new ReplyError('ERR the stand-in kills by TYPE or ID only');
  const killed = server.connections.filter((each) => isKilled(each) && each !== connection);
  for (const each of killed) each.destroy();
  return killed.length;
}

const FLAGS = 'noscript loading stale';
const OPEN = `${FLAGS} noauth busy`;

export const CONNECTION_COMMANDS = {
  hello: { arity: -1, flags: OPEN, run: hello },
  auth: { arity: -2, flags: OPEN, run: auth },
  quit: { arity: -1, flags: `${OPEN} pubsub`, run: ({ connection }) => connection.quit() },
  select: { arity: 2, flags: 'loading stale', run: select },
  ping: { arity: -1, flags: 'pubsub', run: ping },
  'client|setname': {
    arity: 3,
    flags: FLAGS,
    run: ({ connection, args }) => {
      setName(connection, args[2]);
      return OK;
    },
  },
  'client|getname': { arity: 2, flags: FLAGS, run: ({ connection }) => connection.name || null },
  'client|id': { arity: 2, flags: FLAGS, run: ({ connection }) => connection.id },
  'client|info': {
    arity: 2,
    flags: FLAGS,
    run: ({ connection }) => new Verbatim(describeConnection(connection)),
  },
  'client|list': {
    arity: -2,
    flags: FLAGS,
    run: ({ server }) => new Verbatim(server.connections.map(describeConnection).join('')),
  },
  'client|kill': { arity: -3, flags: FLAGS, run: kill },
  'client|no-evict': { arity: 3, flags: FLAGS, run: () => OK },
};
