import type { AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { SETTINGS, type Settings } from './settings/complete-settings.js';

/** Reasons why the gateway cannot listen, by the system's error code. */
const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'the process has no right to the port',
  EADDRNOTAVAIL: 'this machine does not have the address',
  ENOTFOUND: 'the host has no address',
};

/** The gateway cannot listen on the host and port of its settings. The message is complete without a stack trace. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/**
 * Makes the gateway listen on the host and port of its settings, and logs the address and port.
 *
 * @returns the address and port, which the system picked if the setting is 0
 * @throws ListenError if it cannot listen
 */
export async function listen(app: NestExpressApplication): Promise<AddressInfo> {
  const { host, port } = app.get<Settings>(SETTINGS);
  try {
    await app.listen(port, host);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const problem = LISTEN_PROBLEMS[code] ?? message;
    throw new ListenError(`The gateway cannot listen on port ${port} of ${host}: ${problem} (${code})`, {
      cause: error,
    });
  }
  const address = app.getHttpServer().address() as AddressInfo;
  new Logger('Gateway').log({ message: 'listening', host: address.address, port: address.port });
  return address;
}
