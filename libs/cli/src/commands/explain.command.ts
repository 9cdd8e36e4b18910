import { isIP } from 'node:net';
import { isToken } from '@app/proxy/internal';
import { InvalidArgumentError, type Command } from 'commander';
import { EXIT } from '../output/exit-codes.js';
import { explain, toLines } from '../project/explanation.js';
import { readRunning } from '../project/running-gateway.js';
import { signToken } from '../project/sign-token.js';
import { APP_OPTION, JSON_OPTION, type ApplicationOptions, type CommandContext } from './command-context.js';
import { inspect, sourcesOf } from './inspect.js';

interface Options extends ApplicationOptions {
  /** Name, value, name, value. */
  readonly header: readonly string[];
  readonly client: string;
  readonly user?: string;
  readonly role: string;
  readonly url?: URL;
}

/** Of the token for `--user`. */
const TOKEN_SECONDS = 60;

/** `gateway explain`: what the gateway does with a request, or why it refuses it. */
export function addExplainCommand(program: Command, context: CommandContext): void {
  program
    .command('explain')
    .argument('<method>', 'GET', parseMethod)
    .argument('<path>', '/v1/orders?page=2', parseTarget)
    .description(
      'say what the gateway does with a request: route, gates, limit, upstream, timeouts, headers; exits with 1 if it refuses',
    )
    .option('--header <field>', "'Name: value' of the request, repeatable", collectHeader, [])
    .option('--client <address>', 'the address of the client', parseAddress, '127.0.0.1')
    .option('--user <id>', 'sends a token of this user')
    .option('--role <role>', 'the role of that user', 'user')
    .option('--url <url>', 'a running gateway whose state and counts are added', parseUrl)
    .option(...APP_OPTION)
    .option(...JSON_OPTION)
    .action((method: string, target: string, options: Options) =>
      runExplain({ method, target }, options, context),
    );
}

async function runExplain(
  request: { readonly method: string; readonly target: string },
  options: Options,
  context: CommandContext,
): Promise<void> {
  const { client, user, role, url } = options;
  using gateway = await inspect(options, context);
  const rawHeaders = hasHeader(options.header, 'host')
    ? [...options.header]
    : ['Host', 'localhost', ...options.header];
  if (user !== undefined) {
    const { token } = signToken({ user, role, expires: TOKEN_SECONDS }, gateway.settings.auth);
    rawHeaders.push('Authorization', `Bearer ${token}`);
  }
  const given = { ...request, rawHeaders, clientAddress: client };
  const run = await gateway.run(given);
  const explanation = explain(given, { run, settings: gateway.settings, places: sourcesOf(context) });
  const running = url && (await readRunning(url, explanation));
  if (options.json) context.output.json(running ? { ...explanation, running } : explanation);
  else context.output.lines(toLines(running ? { ...explanation, running } : explanation));
  if (explanation.exception) context.exit(EXIT.findings);
}

function hasHeader(fields: readonly string[], name: string): boolean {
  return fields.some((field, index) => index % 2 === 0 && field.toLowerCase() === name);
}

function collectHeader(field: string, previous: readonly string[]): readonly string[] {
  const colon = field.indexOf(':');
  const [name, value] = [field.slice(0, Math.max(0, colon)), field.slice(colon + 1).trim()];
  if (!isToken(name) || /[\0\r\n]/.test(value)) throw new InvalidArgumentError("It takes 'Name: value'.");
  return [...previous, name, value];
}

function parseMethod(method: string): string {
  if (!isToken(method)) throw new InvalidArgumentError('It is no method of HTTP.');
  return method;
}

function parseTarget(target: string): string {
  if (!/^\/[!-~]*$/.test(target)) {
    throw new InvalidArgumentError(
      'It begins with a slash and has visible ASCII; all else is percent-encoded.',
    );
  }
  return target;
}

function parseAddress(address: string): string {
  if (isIP(address) === 0) throw new InvalidArgumentError('It is no IP address.');
  return address;
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError('It is no http or https URL.');
  }
  return new URL(text);
}
