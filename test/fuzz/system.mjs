import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitOf, startRedis } from '../faults/children.mjs';
import { Gateway, HOST } from '../faults/gateway.mjs';
import { freePort } from '../support/free-port.mjs';
import { Service } from './service/service.mjs';

const PROBE = fileURLToPath(new URL('probe.mjs', import.meta.url));
/** The probe's use of `v8` is no word of the gateway. */
const QUIET = '--disable-warning=ExperimentalWarning';
const REDIS_EXIT_MS = 5_000;

/** Short timeouts, so that whatever the gateway waits for is over soon after a batch; no limit that a batch may meet. */
const ENVIRONMENT = {
  TRUST_PROXY: HOST,
  RATELIMIT: 'off',
  CONNECT_TIMEOUT_MS: '1000',
  RESPONSE_HEADERS_TIMEOUT_MS: '2500',
  REQUEST_TIMEOUT_MS: '3500',
  STREAM_IDLE_TIMEOUT_MS: '4000',
  EVENT_STREAM_IDLE_TIMEOUT_MS: '4500',
  CLIENT_HEADER_TIMEOUT_MS: '1500',
  CLIENT_KEEP_ALIVE_TIMEOUT_MS: '1000',
  UPSTREAM_KEEP_ALIVE_TIMEOUT_MS: '700',
  HEALTH_CHECK_INTERVAL_MS: '400',
  HEALTH_CHECK_TIMEOUT_MS: '300',
  // Failing services are the matter here: neither ejection nor the breaker may keep the traffic from them.
  OUTLIER_CONSECUTIVE_FAILURES: '100000',
  CIRCUIT_BREAKER_OPEN_MS: '1',
  REQUEST_BODY_GRACE_MS: '1000',
  WEBSOCKET_PING_INTERVAL_MS: '1000',
  WEBSOCKET_STALL_TIMEOUT_MS: '2000',
  WEBSOCKET_RESUME_TIMEOUT_MS: '1000',
  MAX_EVENT_LOOP_DELAY_MS: '60000',
};

/** The gateway as a process, its Redis, and a service for each of its upstreams. */
export class System {
  /** @param context see `Service` */
  static async start(context) {
    const system = new System();
    system.directory = await mkdtemp(join(tmpdir(), 'gateway-fuzz-'));
    const redisPort = await freePort();
    system.redis = (await startRedis(redisPort)).child;
    // The one that never lies, and those that do.
    system.services = ['auth', 'chat', 'video', 'storage'].map(
      (name) => new Service(name, name === 'auth', context),
    );
    await Promise.all(system.services.map((service) => service.start()));
    const urls = system.services.map(({ name, url }) => [`${name.toUpperCase()}_SERVICE_URL`, url]);
    system.gateway = await Gateway.start({
      directory: system.directory,
      env: { ...ENVIRONMENT, REDIS_URL: `redis://${HOST}:${redisPort}`, ...Object.fromEntries(urls) },
      wrap: ([node, main]) => [node, '--expose-gc', QUIET, '--import', PROBE, main],
      hasChannel: true,
    });
    return system;
  }

  /** How often the services have seen the request with this id, and how they answered it. */
  seen(id) {
    for (const { seen } of this.services) if (seen.has(id)) return seen.get(id);
    return undefined;
  }

  get seenIds() {
    return this.services.flatMap(({ seen }) => [...seen.keys()]);
  }

  /** Ends what services hold open, and forgets what they have seen. */
  reset() {
    for (const service of this.services) service.reset();
  }

  /** @param keepsLogs whether its directory stays */
  async end(keepsLogs) {
    if (this.gateway.isAlive) await this.gateway.kill();
    for (const service of this.services) service.close();
    this.redis.kill('SIGKILL');
    await exitOf(this.redis, REDIS_EXIT_MS);
    if (!keepsLogs) await rm(this.directory, { recursive: true });
  }
}
