import { execFile, spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

const answers = (command, ...args) => spawnSync(command, args).status === 0;

/** Why the stack cannot run on this machine, if so. */
export function whyNot() {
  if (!answers('docker', 'info')) return 'no Docker Engine answers here';
  if (!answers('docker', 'compose', 'version') && !answers('docker-compose', 'version'))
    return 'no Docker Compose here';
  return undefined;
}

/** One project of Docker Compose; `environment` holds for all its commands. */
export class Compose {
  #command = answers('docker', 'compose', 'version') ? ['docker', 'compose'] : ['docker-compose'];

  constructor(environment) {
    this.environment = { ...process.env, ...environment };
  }

  /** What the command printed. @throws Error with what it said, where it fails */
  run(...args) {
    const [command, ...before] = this.#command;
    return this.#do(command, [...before, ...args]);
  }

  /** The same of `docker` itself, or of a script. */
  call(command, ...args) {
    return this.#do(command, args);
  }

  /** The ids of all containers. */
  async containers() {
    return (await this.run('ps', '-q')).split('\n').filter((id) => id !== '');
  }

  /** Until all are healthy. @throws Error after `withinMs`, naming those that are not */
  async healthy(withinMs = 120_000) {
    for (const until = Date.now() + withinMs; ;) {
      const format = '{{.Name}} {{.State.Health.Status}}';
      const states = await this.call('docker', 'inspect', '-f', format, ...(await this.containers()));
      const others = states.split('\n').filter((line) => line !== '' && !line.endsWith(' healthy'));
      if (others.length === 0) return;
      if (Date.now() > until) throw new Error(`not healthy: ${others.join(', ')}`);
      await delay(250);
    }
  }

  async #do(command, args) {
    const options = { env: this.environment, maxBuffer: 64 * 1024 * 1024, timeout: 600_000 };
    try {
      return (await execute(command, args, options)).stdout;
    } catch (error) {
      throw new Error(`${command} ${args.join(' ')}: ${error.stderr?.slice(-2_000) || error.message}`, {
        cause: error,
      });
    }
  }
}
