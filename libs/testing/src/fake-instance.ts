import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import { listenLocally, type ListeningServer } from './listening-server.js';

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** One address of a fake upstream, a port of 127.0.0.1. */
export class FakeInstance implements AsyncDisposable {
  /** Whether health checks pass. */
  isHealthy = true;
  readonly port: number;
  readonly url: string;
  private isRefusing = false;

  private constructor(
    private readonly listen: (port: number) => Promise<ListeningServer>,
    private listening: ListeningServer,
  ) {
    this.port = listening.port;
    this.url = listening.url;
  }

  static async start(onRequest: RequestListener, onUpgrade: UpgradeListener): Promise<FakeInstance> {
    const listen = (port: number): Promise<ListeningServer> =>
      listenLocally(createServer(onRequest).on('upgrade', onUpgrade), port);
    return new FakeInstance(listen, await listen(0));
  }

  /** The number of connections that are open now. */
  get connections(): number {
    return this.listening.sockets.size;
  }

  /** Closes the port and all connections: the gateway cannot connect from now on. Resolves when that is so. */
  async refuse(): Promise<void> {
    this.isRefusing = true;
    await this.listening[Symbol.asyncDispose]();
  }

  /** Listens again on the same port, after `refuse()`. @throws Error with `EADDRINUSE` if another program has taken the port */
  async accept(): Promise<void> {
    if (!this.isRefusing) return;
    this.listening = await this.listen(this.port);
    this.isRefusing = false;
  }

  /** Resets all connections (TCP RST). New ones are accepted. */
  resetConnections(): void {
    for (const socket of this.listening.sockets) socket.resetAndDestroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.refuse();
  }
}
