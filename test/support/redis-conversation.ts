import { RawClient } from './raw-client.js';

/** Where a Redis listens. */
export interface AnyServer {
  readonly port: number;
}

/** A command, after the name that the test gives its connection. */
export type Line = readonly [connection: string, ...command: string[]];

/** One line for each command, with spaces between its words. */
export function parseLines(text: string): Line[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(' ') as unknown as Line);
}

/** The bytes of a command as a binary string, one character for each byte. */
export function formatCommand(command: readonly string[]): string {
  return `*${command.length}\r\n${command.map((each) => `$${each.length}\r\n${each}\r\n`).join('')}`;
}

/** Replies without the ids of connections, which differ between two servers. */
export function comparable(text: string): string {
  return text.replaceAll(/(?<=\bid\r\n:)\d+/g, 'N');
}

/**
 * Sends each command when the one before it has its reply. It sends a PING behind each command: the reply to the PING comes
 * after all that the command causes.
 * @returns all bytes that each connection received
 */
export async function converse(
  { port }: AnyServer,
  script: readonly Line[],
): Promise<Record<string, string>> {
  await using stack = new AsyncDisposableStack();
  const clients = new Map<string, RawClient>();
  for (const [index, [name, ...command]] of script.entries()) {
    if (!clients.has(name)) clients.set(name, stack.use(await RawClient.connect(port)));
    const client = clients.get(name)!;
    client.write(formatCommand(command) + formatCommand(['PING', `after ${index}`]));
    // PING has an error of its own while the server refuses it.
    await client.until(new RegExp(`after ${index}\r\n|-(?:NOAUTH|MASTERDOWN|LOADING|BUSY) [^\r]*\r\n$`));
  }
  const received: Record<string, string> = {};
  for (const [name, client] of clients) {
    client.write(formatCommand(['QUIT']));
    received[name] = comparable((await client.ended()).text);
  }
  return received;
}
