import { BlockList, isIPv6 } from 'node:net';
import type { Deployment } from '../deployment/deployment.js';
import type { Nginx } from '../deployment/nginx.js';
import type { Gateway } from '../deployment/gateway.js';
import { sayDirective } from '../deployment/nginx-block.js';
import type { Fault, Rule } from './rule.js';

/** A range with fewer bits is larger than the network of nginx. */
const LEAST_BITS = { ipv4: 24, ipv6: 64 };

/** Variables with the client's address as nginx sees it. */
const OWN_ADDRESSES = new Set(['$remote_addr', '$realip_remote_addr', '$proxy_add_x_forwarded_for']);

/** Variables with a value that the client sent. */
const CLIENTS_OWN = /^\$(?:http|arg|cookie)_/;

/** The gateway believes the forwarded headers of nginx only, and nginx those of the load balancer in front only. */
export const trustedProxiesRule: Rule = {
  name: 'trusted-proxies',

  *check(deployment: Deployment): Iterable<Fault> {
    for (const gateway of deployment.gateways) {
      yield* hops(gateway);
      yield* ranges(gateway);
      yield* nginxAddress(deployment, gateway);
    }
    if (deployment.nginx) yield* forwarded(deployment, deployment.nginx);
    yield* realIp(deployment);
  },
};

/** With a number of hops, the gateway believes any client that connects. */
function* hops(gateway: Gateway): Iterable<Fault> {
  const trust = gateway.setting('TRUST_PROXY');
  if (trust.value.kind !== 'hops' || !gateway.opening) return;
  yield {
    places: [trust, gateway.opening],
    expected: "nginx's address in TRUST_PROXY, or a port that is published on 127.0.0.1",
    impact:
      'A client that bypasses nginx chooses its own address by X-Forwarded-For, and with it its rate limit.',
  };
}

/** Requests to a published port come from Docker's own address, which is in the network's range. */
function* ranges(gateway: Gateway): Iterable<Fault> {
  const trust = gateway.setting('TRUST_PROXY');
  if (trust.value.kind !== 'cidrs' || !gateway.opening) return;
  const wide = trust.value.cidrs.filter((cidr) => {
    const [network, bits] = cidr.split('/');
    return bits !== undefined && Number(bits) < LEAST_BITS[isIPv6(network!) ? 'ipv6' : 'ipv4'];
  });
  if (wide.length === 0) return;
  yield {
    places: [trust, gateway.opening],
    expected: "nginx's own address in TRUST_PROXY, or a port that is published on 127.0.0.1",
    impact: `A client in ${wide.join(' or ')} that bypasses nginx chooses its own address by X-Forwarded-For.`,
  };
}

function* nginxAddress({ nginx }: Deployment, gateway: Gateway): Iterable<Fault> {
  const trust = gateway.setting('TRUST_PROXY');
  const { value } = trust;
  const addresses = nginx?.service?.addresses ?? [];
  if (value.kind !== 'cidrs' || addresses.length === 0) return;
  if (addresses.some((address) => contains(value.cidrs, address.value))) return;
  yield {
    places: [trust, addresses[0]!],
    expected: `TRUST_PROXY: ${addresses[0]!.value}`,
    impact: "The gateway does not believe nginx, so all clients share nginx's rate limit.",
  };
}

/** nginx replaces the forwarded headers of clients, since the gateway believes them. */
function* forwarded(deployment: Deployment, nginx: Nginx): Iterable<Fault> {
  const gateway = deployment.gateways.find((each) => each.setting('TRUST_PROXY').value.kind !== 'none');
  if (!gateway) return;
  const trust = gateway.setting('TRUST_PROXY');
  for (const location of deployment.gatewayLocations) {
    for (const [name, wanted] of [
      ['X-Forwarded-For', '$remote_addr'],
      ['X-Forwarded-Proto', '$scheme'],
      ['X-Request-ID', '$request_id'],
    ] as const) {
      const header = location.sentHeader(name);
      const values = header && nginx.variables.valuesOf(header.value, location);
      const impact =
        values?.some((value) => isClientsOwn(nginx, value)) !== false
          ? `nginx passes the client's own ${name}, and the gateway believes it.`
          : name === 'X-Forwarded-For' && !values.every(namesClient)
            ? "The gateway does not learn the client's address, so many clients share one rate limit."
            : undefined;
      if (impact === undefined) continue;
      yield {
        places: [header ?? { value: location, text: location.text, at: location.directive.at }, trust],
        expected: `proxy_set_header ${name} ${wanted}`,
        impact,
      };
    }
  }
}

const variablesIn = (text: string): string[] =>
  [...text.matchAll(/\$(?:\{(\w+)\}|(\w+))/g)].map(([, braced, bare]) => `$${braced ?? bare}`);

function namesClient(value: string): boolean {
  return variablesIn(value).some((name) => OWN_ADDRESSES.has(name));
}

/** Whether the client chooses the value. A `map` over the client's headers alone captures the client's values too. */
function isClientsOwn({ variables }: Nginx, value: string): boolean {
  return variablesIn(value).some((name) => {
    const source = variables.capturedFrom(name.slice(1));
    return (
      CLIENTS_OWN.test(name) ||
      (source !== undefined && variablesIn(source).every((each) => CLIENTS_OWN.test(each)))
    );
  });
}

function* realIp({ nginx }: Deployment): Iterable<Fault> {
  for (const block of nginx?.root.descendants() ?? []) {
    for (const directive of block.own('set_real_ip_from')) {
      if (!directive.args[0]?.endsWith('/0')) continue;
      yield {
        places: [{ value: directive, text: sayDirective(directive), at: directive.at }],
        expected: 'only the addresses of the load balancer in front',
        impact: 'Any client chooses the address that nginx sees, and so evades every limit by address.',
      };
    }
  }
}

function contains(cidrs: readonly string[], address: string): boolean {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network, bits] = cidr.split('/');
    const family = isIPv6(network!) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(network!, family);
    else list.addSubnet(network!, Number(bits), family);
  }
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
