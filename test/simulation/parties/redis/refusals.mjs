import { ReplyError } from './resp.mjs';

const isWrite = (command) => command.flags.has('write');

/** Errors with which Redis refuses commands because of its state, and which commands it refuses. */
const REFUSALS = {
  OOM: {
    text: "OOM command not allowed when used memory > 'maxmemory'.",
    refuses: (command) => command.flags.has('denyoom'),
  },
  MISCONF: {
    text:
      "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that " +
      'may modify the data set are disabled, because this instance is configured to report errors during writes if RDB ' +
      'snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.',
    refuses: isWrite,
  },
  NOREPLICAS: { text: 'NOREPLICAS Not enough good replicas to write.', refuses: isWrite },
  READONLY: { text: "READONLY You can't write against a read only replica.", refuses: isWrite },
  MASTERDOWN: {
    text: "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    refuses: (command) => !command.flags.has('stale'),
  },
  LOADING: {
    text: 'LOADING Redis is loading the dataset in memory',
    refuses: (command) => !command.flags.has('loading'),
  },
  BUSY: {
    text: 'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    refuses: (command) => !command.flags.has('busy'),
  },
};

/** @param {string} code @throws {TypeError} for a code without a refusal */
export function checkRefusalCode(code) {
  if (!Object.hasOwn(REFUSALS, code))
    throw new TypeError(`no refusal ${code}: ${Object.keys(REFUSALS).join(', ')}`);
}

/**
 * The error with which Redis in these states refuses a command; undefined if it runs it.
 * @param {readonly (string | undefined)[]} codes
 * @returns {ReplyError | undefined}
 */
export function refusalFor(codes, command) {
  const code = codes.find((each) => each !== undefined && REFUSALS[each].refuses(command));
  return code === undefined ? undefined : new ReplyError(REFUSALS[code].text);
}
