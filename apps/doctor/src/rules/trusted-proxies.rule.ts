import { BlockList, isIPv6 } from 'node:net';
import type { Deployment } from '../deployment/deployment.js';
import type { Nginx } from '../deployment/nginx.js';
import type { Gateway } from '../deployment/gateway.js';
import { sayDirective } from '../deployment/nginx-block.js';
import type { Fault, Rule } from './rule.js';

/** A range with fewer bits is more than the network that nginx is in. */
const LEAST_BITS = { ipv4: 24, ipv6: 64 };

/** What nginx itself knows of who asks. */
const OWN_ADDRESSES = new Set(['$remote_addr', '$realip_remote_addr', '$proxy_add_x_forwarded_for']);

/** What a client wrote. */
const CLIENTS_OWN = /^\$(?:http|arg|cookie)_/;

/** Who may say whom it speaks for: nginx to the gateway, nobody else to either. */
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

/** A number of hops believes whoever connects. */
function* hops(gateway: Gateway): Iterable<Fault> {
  const trust = gateway.setting('TRUST_PROXY');
  if (trust.value.kind !== 'hops' || !gateway.opening) return;
  yield {
    places: [trust, gateway.opening],
    expected: "nginx's address in TRUST_PROXY, or a port that is published on 127.0.0.1",
    impact:
      'Whoever goes around nginx chooses its own address by X-Forwarded-For, and with it its rate limit.',
  };
}

/** Docker's own address, which a published port is reached from, is in the network's range. */
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
    impact: `Whoever goes around nginx from ${wide.join(' or ')} chooses its own address by X-Forwarded-For.`,
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
    impact: "The gateway does not believe nginx, so that all clients share nginx's rate limit.",
  };
}

/** A gateway that believes nginx believes what nginx passes on. */
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
        values?.some((value) => isStrangers(nginx, value)) !== false
          ? `nginx passes a stranger's ${name} on, and the gateway believes it.`
          : name === 'X-Forwarded-For' && !values.every(namesClient)
            ? "The gateway does not learn the client's address, so that many clients share one rate limit."
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

/** What a map captures of a header alone is the client's own too; beside another variable, that one has judged it. */
function isStrangers({ variables }: Nginx, value: string): boolean {
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
        expected: 'the addresses of the load balancer in front alone',
        impact: 'Any client tells nginx its own address, past every limit by address.',
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
