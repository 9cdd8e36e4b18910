import { portsOf } from './images.js';
import type { NginxBlock } from './nginx-block.js';
import type { PortRange } from './ports.js';
import type { ComposeService } from './service.js';

/** The ports that a server of nginx listens on. Default: 80, as in nginx. */
export function nginxPorts(server: NginxBlock): readonly number[] {
  const listens = server.own('listen');
  if (listens.length === 0) return [80];
  return listens.map(({ args: [address = ''] }) =>
    Number(/^(?!unix:)(?:.*:)?(\d+)$/.exec(address)?.[1] ?? 80),
  );
}

/** The ports that a service is known to listen on; empty if no file has any. */
export function listeningPorts(service: ComposeService): readonly PortRange[] {
  const own = service.variable('PORT')?.value;
  const single = [...portsOf(service), ...(own && /^\d+$/.test(own) ? [Number(own)] : [])];
  return [...service.exposed, ...single.map((port) => ({ first: port, last: port }))];
}
