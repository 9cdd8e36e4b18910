import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { JWT_SECRET } from './gateway.js';
import { GatewayProcess } from './process.js';
import { freePort } from './free-port.mjs';

export type ServiceName = 'auth' | 'chat' | 'video' | 'storage';

/** A reference service as a process of its own. */
export class ServiceProcess {
  private constructor(private readonly child: ChildProcess) {}

  static async start(env: Readonly<Record<string, string>>): Promise<ServiceProcess> {
    const child = spawn(process.execPath, ['dist/apps/reference/src/main.js'], {
      env: { JWT_SECRET, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) if (line.includes('"listening"')) break;
    child.stdout.resume();
    return new ServiceProcess(child);
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }
}

interface SystemOptions {
  /** Default: all but storage. */
  readonly services?: readonly ServiceName[];
  /** Further variables of the gateway. */
  readonly gateway?: Readonly<Record<string, string>>;
}

/** The gateway before reference services, each a process, with the demo page. */
export class RunningSystem implements AsyncDisposable {
  private constructor(
    readonly url: string,
    readonly gateway: GatewayProcess,
    private readonly services: Map<ServiceName, ServiceProcess>,
    private readonly environments: ReadonlyMap<ServiceName, Readonly<Record<string, string>>>,
  ) {}

  /** @param dataDir the folder of the services' data, which survives a restart */
  static async start(
    dataDir: string,
    { services: names = ['auth', 'chat', 'video'], gateway: variables = {} }: SystemOptions = {},
  ): Promise<RunningSystem> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const services = new Map<ServiceName, ServiceProcess>();
    const environments = new Map<ServiceName, Readonly<Record<string, string>>>();
    const addresses: Record<string, string> = {};
    for (const name of names) {
      const at = String(await freePort());
      const env = { SERVICE: name, PORT: at, DATA_DIR: dataDir, ALLOWED_ORIGINS: url, ...addresses };
      environments.set(name, env);
      services.set(name, await ServiceProcess.start(env));
      addresses[`${name.toUpperCase()}_SERVICE_URL`] = `http://127.0.0.1:${at}`;
    }
    const gateway = GatewayProcess.start({
      ...addresses,
      // The product's default, which `GatewayProcess` replaces by 0.
      HEALTH_CHECK_INTERVAL_MS: '5000',
      PORT: String(port),
      CORS_ALLOWED_ORIGINS: url,
      DEMO_SERVICE_URL: addresses['CHAT_SERVICE_URL']!,
      ...variables,
    });
    await gateway.port();
    return new RunningSystem(url, gateway, services, environments);
  }

  async kill(name: ServiceName, signal: NodeJS.Signals): Promise<void> {
    await this.services.get(name)!.kill(signal);
  }

  /** Starts a service again, on the same port and with the same data. */
  async restart(name: ServiceName): Promise<void> {
    this.services.set(name, await ServiceProcess.start(this.environments.get(name)!));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
    await Promise.all([...this.services.values()].map((service) => service.kill('SIGKILL')));
  }
}
