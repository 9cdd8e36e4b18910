import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Gateway, HOST } from './gateway.mjs';
import { freePort } from '../support/free-port.mjs';
import { Instance } from './instance.mjs';
import { Load } from './load.mjs';

const WARM_UP_MS = 1_000;

/** A gateway before a few instances, under load: what one phase of the bench does its harm to. */
export class System {
  instances = [];
  /** When the fault began and ended; one that does not end is permanent. */
  beganAt;
  endedAt;

  /** @param clients how many there are @param count how many instances @param addresses what the gateway is told of them; by default where they are */
  static async start({ directory, clients, count, hosts, env, addresses }) {
    await mkdir(directory, { recursive: true });
    const system = new System();
    try {
      const port = hosts && (await freePort());
      for (let index = 0; index < count; index++) {
        const host = hosts?.[index] ?? HOST;
        const name = String.fromCodePoint('A'.codePointAt(0) + index);
        system.instances.push(new Instance({ name, host, port: port ?? (await freePort()), directory }));
      }
      await Promise.all(system.instances.map((instance) => instance.start()));
      const urls = addresses?.(system.instances) ?? system.instances.map(({ origin }) => origin).join();
      system.gateway = await Gateway.start({ directory, env: { CHAT_SERVICE_URL: urls, ...env } });
      system.load = new Load(system.gateway.port, clients);
      await delay(WARM_UP_MS);
      system.measuredFrom = performance.now();
      return system;
    } catch (error) {
      await system.end();
      throw error;
    }
  }

  begin() {
    this.beganAt = performance.now();
  }

  finish() {
    this.endedAt = performance.now();
  }

  /** A new load after one that was stopped. */
  again(clients) {
    this.load = new Load(this.gateway.port, clients);
  }

  /** Ends all that runs, the load first, so that none of its requests is cut. */
  async end() {
    await this.load?.stop();
    if (this.gateway?.isAlive) await this.gateway.kill();
    await Promise.all(this.instances.map((instance) => instance.kill()));
  }
}
