import { BlockList, isIPv6 } from 'node:net';
import type { Chain } from '../chain/chain.js';
import type { Gateway } from '../chain/gateway.js';
import { sayDirective } from '../chain/nginx-block.js';
import { ownWarnings } from './own-warnings.js';
import type { Fault, Rule } from './rule.js';

const LOOPBACK = new Set(['127.0.0.1', '::1', '[::1]', 'localhost']);

/** Who may say whom it speaks for: nginx to the gateway, nobody else to either. */
export const trustedProxiesRule: Rule = {
  name: 'trusted-proxies',

  *check(chain: Chain): Iterable<Fault> {
    yield* ownWarnings(chain, 'trusted-proxies');
    for (const gateway of chain.gateways) {
      yield* hops(gateway);
      yield* nginxAddress(chain, gateway);
    }
    yield* forwardedFor(chain);
    yield* realIp(chain);
  },
};

/** A number of hops believes whoever connects. */
function* hops(gateway: Gateway): Iterable<Fault> {
  const trust = gateway.setting('TRUST_PROXY');
  const open = gateway.service.ports.find(({ host }) => host === undefined || !LOOPBACK.has(host));
  if (trust.value.kind !== 'hops' || !open) return;
  yield {
    places: [trust, open.said],
    wants: "nginx's address in TRUST_PROXY, or a port that is published on 127.0.0.1",
    breaks:
      'Whoever goes around nginx chooses its own address by X-Forwarded-For, and with it its rate limit.',
  };
}

function* nginxAddress({ nginx }: Chain, gateway: Gateway): Iterable<Fault> {
  const trust = gateway.setting('TRUST_PROXY');
  const { value } = trust;
  const addresses = nginx?.service?.addresses ?? [];
  if (value.kind !== 'cidrs' || addresses.length === 0) return;
  if (addresses.some((address) => contains(value.cidrs, address.value))) return;
  yield {
    places: [trust, addresses[0]!],
    wants: `TRUST_PROXY: ${addresses[0]!.value}`,
    breaks: "The gateway does not believe nginx, so that all clients share nginx's rate limit.",
  };
}

/** A gateway that believes nginx believes what nginx passes on. */
function* forwardedFor(chain: Chain): Iterable<Fault> {
  for (const location of chain.gatewayLocations) {
    if (location.sentHeader('X-Forwarded-For')) continue;
    for (const gateway of chain.gateways) {
      const trust = gateway.setting('TRUST_PROXY');
      if (trust.value.kind === 'none') continue;
      yield {
        places: [{ value: location, says: location.says, at: location.directive.at }, trust],
        wants: 'proxy_set_header X-Forwarded-For $remote_addr',
        breaks: "nginx passes a stranger's X-Forwarded-For on, and the gateway believes it.",
      };
    }
  }
}

function* realIp({ nginx }: Chain): Iterable<Fault> {
  for (const block of nginx?.root.descendants() ?? []) {
    for (const directive of block.own('set_real_ip_from')) {
      if (!directive.args[0]?.endsWith('/0')) continue;
      yield {
        places: [{ value: directive, says: sayDirective(directive), at: directive.at }],
        wants: 'the addresses of the load balancer in front alone',
        breaks: 'Any client tells nginx its own address, past every limit by address.',
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
