import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { Redis } from 'ioredis';
import { RedisStandIn, type RedisStandInOptions } from '../simulation/parties/redis/server.mjs';

/** The same numbers in each run (a linear congruential generator). */
export class SeededRandom {
  private state: number;

  constructor(seed = 1) {
    this.state = seed;
  }

  uint32(): number {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.state;
  }

  chance(share: number): boolean {
    return this.uint32() / 2 ** 32 < share;
  }
}

/** The simulation's stand-in for Redis behind a real listener on 127.0.0.1, with the methods of `RedisServer` that tests use. */
export class StandInServer implements AsyncDisposable {
  private readonly clients: Redis[] = [];

  private constructor(
    readonly standIn: RedisStandIn,
    private readonly server: Server,
  ) {}

  static async start(options: Omit<RedisStandInOptions, 'random'> = {}): Promise<StandInServer> {
    const standIn = new RedisStandIn({ random: new SeededRandom(), ...options });
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      if (standIn.isListening) standIn.accept(socket);
      else socket.resetAndDestroy();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new StandInServer(standIn, server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** A client of the test. @param options of `ioredis` */
  async client(options: object = {}): Promise<Redis> {
    const client = new Redis(this.url, { lazyConnect: true, ...options });
    client.on('error', () => {});
    this.clients.push(client);
    await client.connect();
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client.disconnect();
    this.standIn.close();
    this.server.close();
    await once(this.server, 'close');
  }
}
