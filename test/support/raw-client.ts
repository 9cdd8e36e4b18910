import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** All that a raw connection received until it ended. */
export interface RawExchange {
  /** All bytes as latin1. */
  readonly text: string;
  /** The status of each response, in order. */
  readonly statuses: readonly number[];
  /** The last response's body, if it is JSON. */
  readonly json: Record<string, unknown> | undefined;
  /** Whether the other end reset the connection instead of ending it. */
  readonly reset: boolean;
}

/** A client that writes exactly the bytes of the test. */
export class RawClient implements AsyncDisposable {
  private received = '';
  private wasReset = false;
  private readonly closed: Promise<void>;

  private constructor(readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
      socket.emit('received');
    });
    socket.on('error', () => (this.wasReset = true));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        socket.emit('received');
        resolve();
      });
    });
  }

  /** @param localAddress the client's address. Default: the system's choice */
  static async connect(port: number, localAddress = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** All bytes received so far, as latin1. */
  get text(): string {
    return this.received;
  }

  write(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Resolves when the received bytes match. @throws Error if the connection ends before */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received)) {
      if (this.socket.destroyed) throw new Error(`The connection ended before ${pattern}: ${this.received}`);
      await once(this.socket, 'received');
    }
    return this.received;
  }

  /** Waits until the other end closes the connection. */
  async ended(): Promise<RawExchange> {
    await this.closed;
    const text = this.received;
    const body = text.slice(text.lastIndexOf('\r\n\r\n') + 4);
    return {
      text,
      statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)),
      json: body.startsWith('{') ? (JSON.parse(body) as Record<string, unknown>) : undefined,
      reset: this.wasReset,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}

/** Sends bytes and waits for the end of the connection. The request needs `Connection: close`. */
export async function exchangeRaw(port: number, bytes: string | Buffer): Promise<RawExchange> {
  await using client = await RawClient.connect(port);
  client.write(bytes);
  return await client.ended();
}
