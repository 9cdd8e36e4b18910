import { isIP } from 'node:net';
import { type TlsSetting, tlsVariableFor } from '@app/gateway/internal';
import { settingNameOf } from '@app/proxy/internal';
import type { Deployment } from '../deployment/deployment.js';
import type { Gateway } from '../deployment/gateway.js';
import { hasFile } from '../deployment/given-files.js';
import type { Sourced } from '../files/sourced.js';
import type { Fault, Rule } from './rule.js';

const FILES = ['CA_FILE', 'CERT_FILE', 'KEY_FILE'] as const;
const SETTINGS = [...FILES, 'SERVER_NAME'] as const;

/** Names that no public authority signs for: of one label, or reserved (RFC 6761, RFC 6762, ICANN's `internal`). */
const INTERNAL = /^[^.]+$|\.(?:internal|local|localhost|test|example|invalid|home\.arpa)$/i;

/** Variables that give Node more authorities than its own. */
const MORE_AUTHORITIES = ['NODE_EXTRA_CA_CERTS', 'NODE_USE_SYSTEM_CA', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];

/** The TLS settings of a service have an effect, their files are in the container, and Node can verify its name. */
export const tlsRule: Rule = {
  name: 'tls',

  *check(deployment: Deployment): Iterable<Fault> {
    for (const gateway of deployment.gateways) {
      yield* withoutEffect(deployment, gateway);
      yield* missingFiles(gateway);
      yield* unverifiedNames(deployment, gateway);
    }
  },
};

function* withoutEffect(deployment: Deployment, gateway: Gateway): Iterable<Fault> {
  const { addresses, tls } = gateway.config.proxy;
  for (const name of tls.keys()) {
    const upstream = deployment.upstreams.find((each) => settingNameOf(each.name) === name);
    const own = upstream ? deployment.addressesOf(gateway, upstream) : addresses.get(name);
    if (own?.some(isSecure)) continue;
    const [first, ...others] = sourcesOf(gateway, name, SETTINGS);
    const service = { value: gateway, text: `service ${gateway.service.name}`, at: gateway.service.at };
    yield {
      places: [first!, ...others, upstream ? deployment.addressSource(gateway, upstream) : service],
      expected: own ? `an https:// address of ${name}, or no TLS settings` : `an upstream called ${name}`,
      impact: 'The gateway exits with 78, since its TLS settings have no effect.',
    };
  }
}

function* missingFiles(gateway: Gateway): Iterable<Fault> {
  const { service } = gateway;
  for (const name of gateway.config.proxy.tls.keys()) {
    for (const source of sourcesOf(gateway, name, FILES)) {
      const path = source.value.trim();
      if (!path.startsWith('/') || hasFile(service, path) !== false) continue;
      yield {
        places: [source, { value: service, text: `service ${service.name}`, at: service.at }],
        expected: `${path} as a secret, a config or a volume of ${service.name}`,
        impact: 'The gateway does not find the file, and exits with 78.',
      };
    }
  }
}

function* unverifiedNames(deployment: Deployment, gateway: Gateway): Iterable<Fault> {
  if (mayKnowMoreAuthorities(gateway)) return;
  const { tls } = gateway.config.proxy;
  for (const upstream of deployment.upstreams) {
    const { caFile, serverName } = tls.get(settingNameOf(upstream.name)) ?? {};
    if (caFile !== undefined) continue;
    const hosts = deployment.addressesOf(gateway, upstream).filter(isSecure);
    const names = hosts.map((address) => serverName ?? new URL(address).hostname.replace(/\.$/, ''));
    for (const name of names) {
      if (isIP(name.replace(/^\[|\]$/g, '')) !== 0 || !INTERNAL.test(name)) continue;
      const variable = tlsVariableFor(upstream.name, 'CA_FILE');
      const [set] = sourcesOf(gateway, upstream.name, ['SERVER_NAME']);
      const address = deployment.addressSource(gateway, upstream);
      yield {
        places: set ? [set, address] : [address],
        expected: `${variable} with the authority that signs for ${name}`,
        impact: `No authority that Node trusts signs for ${name}: each request gets 502 UPSTREAM_TLS.`,
      };
    }
  }
}

/** An image that is not built here may add authorities. */
function mayKnowMoreAuthorities({ service }: Gateway): boolean {
  if (!service.stage || MORE_AUTHORITIES.some((name) => service.variable(name)?.value)) return true;
  const command = service.firstProcess?.value;
  const words = command && 'argv' in command ? command.argv.join(' ') : (command?.shell ?? '');
  return /-ca\b/.test(`${words} ${service.variable('NODE_OPTIONS')?.value ?? ''}`);
}

function sourcesOf(gateway: Gateway, upstream: string, settings: readonly TlsSetting[]): Sourced<string>[] {
  return settings.flatMap((setting) => {
    const source = gateway.service.variable(tlsVariableFor(upstream, setting));
    return source?.value.trim() ? [source] : [];
  });
}

function isSecure(address: string): boolean {
  return address.startsWith('https:');
}
