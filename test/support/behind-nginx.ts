import { startGateway, type RunningGateway } from './gateway.js';
import { Nginx } from './nginx.js';

export interface BehindNginx extends AsyncDisposable {
  readonly nginx: Nginx;
  /** Of nginx. */
  readonly url: string;
  /** Of nginx. */
  readonly port: number;
  readonly gateways: readonly [RunningGateway, RunningGateway];
}

/** @param env variables of both gateways @param variables those of nginx */
export async function startBehindNginx(
  env: Readonly<Record<string, string>> = {},
  variables: Readonly<Record<string, string>> = {},
): Promise<BehindNginx> {
  const stack = new AsyncDisposableStack();
  const start = async (): Promise<RunningGateway> =>
    stack.use(await startGateway({ env: { TRUST_PROXY: '127.0.0.1', ...env } }));
  const gateways = [await start(), await start()] as const;
  const nginx = stack.use(await Nginx.start([gateways[0].port, gateways[1].port], variables));
  return {
    nginx,
    url: nginx.url,
    port: nginx.port,
    gateways,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
