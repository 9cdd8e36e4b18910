import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.mjs';
import { SERVICE_NAMES } from './system-load.js';
import { ServiceProcess, type ServiceName } from './system.js';

/** A process of a service, which can be ended and started again on the same port. */
export interface Instance {
  readonly name: ServiceName;
  readonly env: Readonly<Record<string, string>>;
  running: ServiceProcess;
}

/** Two processes of each reference service, with one folder. */
export async function startServicePairs(more: Readonly<Record<string, string>> = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'gateway-pairs-'));
  const stack = new AsyncDisposableStack();
  stack.defer(() => rm(dataDir, { recursive: true }));
  const addresses: Record<string, string> = {};
  const instances: Instance[] = [];
  for (const name of SERVICE_NAMES) {
    const ports = [await freePort(), await freePort()];
    addresses[`${name.toUpperCase()}_SERVICE_URL`] = ports.map((port) => `http://127.0.0.1:${port}`).join();
    for (const port of ports) {
      const env = { SERVICE: name, PORT: String(port), DATA_DIR: dataDir, ...addresses, ...more };
      const instance = { name, env, running: await ServiceProcess.start(env) };
      stack.defer(() => instance.running.kill('SIGKILL'));
      instances.push(instance);
    }
  }
  return {
    /** Their addresses as variables for a gateway. */
    addresses,
    instances,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Waits until the gateway of this port sends requests to both processes of the service. */
export async function takesBoth(port: number, name: ServiceName): Promise<void> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
    const { details } = (await response.json()) as { details: Record<string, { instances?: string }> };
    if (details[`${name}-service`]?.instances === '2 of 2') return;
  }
}
