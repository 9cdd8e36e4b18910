import { CONNECTION_COMMANDS } from './connection-commands.mjs';
import { DATA_COMMANDS } from './data-commands.mjs';
import { PUBSUB_COMMANDS } from './pubsub-commands.mjs';
import { refusalFor } from './refusals.mjs';
import { ReplyError } from './resp.mjs';
import { SERVER_COMMANDS } from './server-commands.mjs';

/** Most characters of a command or its arguments in an error. */
const SHOWN = 128;

/** All commands by name; `config|get` is a subcommand. */
const COMMANDS = new Map(
  Object.entries({ ...DATA_COMMANDS, ...CONNECTION_COMMANDS, ...PUBSUB_COMMANDS, ...SERVER_COMMANDS }).map(
    ([name, command]) => [name, { ...command, name, flags: new Set(command.flags.split(' ')) }],
  ),
);

/** Commands that are their subcommands alone. */
const CONTAINERS = new Set(
  [...COMMANDS.keys()].filter((name) => name.includes('|')).map((name) => name.split('|')[0]),
);

/** Runs a command of a connection, and replies. */
export function execute(server, connection, args) {
  const afterReply = [];
  try {
    const command = findCommand(args);
    check(server, connection, command);
    const call = createCall({ server, connection, args, afterReply: (run) => afterReply.push(run) });
    const reply = command.run(call);
    if (reply !== undefined) connection.reply(reply);
  } catch (error) {
    if (!(error instanceof ReplyError)) throw error;
    connection.reply(error);
  }
  for (const run of afterReply) run();
}

function createCall({ server, connection, args, afterReply }) {
  return {
    server,
    connection,
    args,
    afterReply,
    database: server.keyspace.at(connection.database),
    now: server.now(),
    runInScript: (inner) => runInScript(server, connection, inner),
  };
}

/** `redis.call`. @throws {ReplyError} */
function runInScript(server, connection, args) {
  const command = findCommand(args);
  if (command.flags.has('noscript'))
    throw new ReplyError('ERR This Redis command is not allowed from script');
  if (server.rights.deniedCommands.has(command.name)) {
    throw new ReplyError("ERR The user executing the script can't run this command or subcommand");
  }
  const refusal = refusalFor(server.refusalCodesFor(connection), command);
  if (refusal) throw refusal;
  const afterReply = [];
  const reply = command.run(
    createCall({ server, connection, args, afterReply: (run) => afterReply.push(run) }),
  );
  for (const run of afterReply) run();
  return reply;
}

function findCommand(args) {
  const name = args[0].toLowerCase();
  if (CONTAINERS.has(name)) return findSubcommand(name, args);
  const command = COMMANDS.get(name);
  if (!command || name.includes('|')) throw unknownCommand(args);
  checkArity(command, args);
  return command;
}

function findSubcommand(name, args) {
  if (args.length < 2) throw wrongArity(name);
  const command = COMMANDS.get(`${name}|${args[1].toLowerCase()}`);
  if (!command) {
    const subcommand = args[1].slice(0, SHOWN);
    throw new ReplyError(`ERR unknown subcommand '${subcommand}'. Try ${name.toUpperCase()} HELP.`);
  }
  checkArity(command, args);
  return command;
}

function checkArity({ name, arity }, { length }) {
  if (arity > 0 ? length !== arity : length < -arity) throw wrongArity(name);
}

const wrongArity = (name) => new ReplyError(`ERR wrong number of arguments for '${name}' command`);

function unknownCommand([name, ...args]) {
  let shown = '';
  for (const arg of args) {
    if (shown.length >= SHOWN) break;
    shown += `'${arg.slice(0, SHOWN - shown.length)}' `;
  }
  return new ReplyError(`ERR unknown command '${name.slice(0, SHOWN)}', with args beginning with: ${shown}`);
}

/** In the order of Redis. @throws {ReplyError} */
function check(server, connection, command) {
  const { name, flags } = command;
  if (!connection.isAuthenticated && !flags.has('noauth')) {
    throw new ReplyError('NOAUTH Authentication required.');
  }
  if (server.rights.deniedCommands.has(name)) {
    throw new ReplyError(`NOPERM this user has no permissions to run the '${name}' command`);
  }
  const codes = server.refusalCodesFor(connection);
  const isForWrites = (code) => !['MASTERDOWN', 'LOADING', 'BUSY'].includes(code);
  const refusal = refusalFor(codes.filter(isForWrites), command);
  if (refusal) throw refusal;
  if (connection.protocol === 2 && connection.subscriptionCount > 0 && !flags.has('pubsub')) {
    const allowed = '(P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET';
    throw new ReplyError(`ERR Can't execute '${name}': only ${allowed} are allowed in this context`);
  }
  const later = refusalFor(codes, command);
  if (later) throw later;
}
