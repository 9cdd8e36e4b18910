import { startGateway, type RunningGateway } from './gateway.js';
import { Nginx } from './nginx.js';

/** nginx in front of two gateways, which believe what it says of clients. */
export async function startBehindNginx(
  env: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>> = {},
) {
  const stack = new AsyncDisposableStack();
  const gateways: RunningGateway[] = [];
  for (let each = 0; each < 2; each++) {
    gateways.push(stack.use(await startGateway({ env: { TRUST_PROXY: '127.0.0.1', ...env } })));
  }
  const [first, second] = gateways as [RunningGateway, RunningGateway];
  const nginx = stack.use(await Nginx.start([first.port, second.port], variables));
  return {
    nginx,
    first,
    second,
    url: nginx.url,
    port: nginx.port,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
