import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { ClientConnection } from './client-connection.js';
import { Pipelining } from './pipelining.js';

const MIB = 1024 * 1024;

/** The connection of a client whose first response never ends. */
class StuckConnection {
  readonly socket = Object.assign(new EventEmitter(), {
    destroyed: false,
    remoteAddress: '127.0.0.1',
    pause: () => {},
    resume: () => {},
    destroy: () => (this.socket.destroyed = true),
  });

  constructor(private readonly handle: (request: IncomingMessage, response: ServerResponse) => void) {
    new ClientConnection(this.socket as unknown as Socket);
  }

  /** Sends a request that takes about this much memory while it waits, in bytes. */
  send(bytes: number): void {
    const request = { socket: this.socket as unknown as Socket, url: 'a'.repeat(bytes), rawHeaders: [] };
    this.handle(
      request as unknown as IncomingMessage,
      Object.assign(new EventEmitter(), { socket: null }) as unknown as ServerResponse,
    );
  }
}

describe('Pipelining', () => {
  beforeEach(() => jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {}));
  afterEach(() => jest.restoreAllMocks());

  it('destroys the connections with most waiting requests, and keeps all others below the bound', () => {
    const pipelining = new Pipelining(1_000);
    const handle = pipelining.wrap(() => {});
    // Each takes a little less than an equal share when it arrives.
    const sizes = Array.from({ length: 500 }, (_, index) => (32 * MIB) / (index + 1) - 4_096);
    const clients = sizes.map(() => new StuckConnection(handle));

    for (const [index, client] of clients.entries()) client.send(Math.max(1, sizes[index]!));

    const kept = clients.flatMap(({ socket }, index) => (socket.destroyed ? [] : [sizes[index]!]));
    const waiting = kept.reduce((sum, bytes) => sum + bytes, 0);
    expect(waiting).toBeLessThanOrEqual(32 * MIB);
    expect(waiting).toBeGreaterThan(16 * MIB);
    // Only the largest were destroyed.
    expect(kept).toEqual(sizes.slice(-kept.length));
  });
});
