import { isAddressRange, type TrustOptions } from '@app/proxy/internal';
import { z } from 'zod';
import type { Setting } from './setting.js';
import { port, splitList, text } from './setting-types.js';

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const TRUST: z.ZodType<TrustOptions> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('hops'), hops: z.number().int().min(1).max(99) }),
  z.object({ kind: z.literal('cidrs'), cidrs: z.array(z.string().refine(isAddressRange)).min(1) }),
]);

function parseTrust(given: string): unknown {
  if (given === 'none') return { kind: 'none' };
  if (/^[1-9]\d?$/.test(given)) return { kind: 'hops', hops: Number(given) };
  return { kind: 'cidrs', cidrs: splitList(given) };
}

function formatTrust(trust: TrustOptions): string {
  if (trust.kind === 'none') return 'none';
  return trust.kind === 'hops' ? String(trust.hops) : trust.cidrs.join(', ');
}

const trust = {
  kind: 'setting',
  variable: 'TRUST_PROXY',
  isRequired: false,
  isSecret: false,
  default: { kind: 'none' },
  schema: TRUST,
  parse: parseTrust,
  format: formatTrust,
  takes: 'none, a number of hops 1 to 99, or a comma list of addresses and CIDR ranges',
  meaning:
    'The proxies whose X-Forwarded-* headers the gateway believes. With a number of hops it believes any client that connects, so set a number only behind a proxy that no client can bypass.',
} as const satisfies Setting<TrustOptions>;

/** The process: its name, environment, address and log level. */
export const GENERAL = {
  serviceName: text({
    default: 'api-gateway',
    takes: 'a name',
    meaning:
      "The gateway's name in logs, metrics and health. Dashboards and alerts select by it, so another name leaves them empty.",
  }),
  environment: text({
    variable: 'ENV',
    default: 'development',
    takes: 'a name',
    meaning:
      'The environment that the gateway runs in. It picks the settings that the code has for this environment.',
  }),
  title: text({
    default: 'API gateway',
    takes: 'a text',
    meaning: 'The title of the OpenAPI document. It names the gateway to those who read `/swagger`.',
  }),
  host: text({
    variable: 'HOST',
    default: '127.0.0.1',
    takes: 'an address to listen on',
    meaning:
      'The address that the gateway listens on. With 0.0.0.0 all machines that reach this one reach the gateway, its metrics included.',
  }),
  port: port({
    variable: 'PORT',
    default: 8080,
    meaning:
      'The port that the gateway listens on. With 0 the system picks a free one, which the log line `listening` names.',
  }),
  logLevel: text({
    variable: 'LOG_LEVEL',
    default: 'info',
    schema: z.enum(LEVELS),
    choices: LEVELS,
    takes: 'fatal, error, warn, info, debug, trace or silent',
    meaning:
      'The least level of the lines that are logged. Access log lines have level info, so warn and above hide them.',
  }),
  trust: trust as Setting<TrustOptions, 'TRUST_PROXY'>,
};
