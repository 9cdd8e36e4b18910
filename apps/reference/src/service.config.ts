import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The configuration of a service. Without `dataDir` its data is in memory. */
export interface ServiceConfig {
  readonly service: 'auth' | 'chat' | 'video' | 'storage';
  readonly jwtSecret: string;
  readonly dataDir?: string | undefined;
  /** The Redis for revocations (auth). Default: none is published. */
  readonly redisUrl?: string | undefined;
  /** Instances of auth-service, which has the memberships (chat, video). Default: none, so that no user is a member. */
  readonly authServiceUrls?: readonly string[] | undefined;
  /** The start of signed URLs (storage). Default: they are paths. */
  readonly publicUrl?: string | undefined;
  /** Origins of pages that may open WebSockets (chat, video). Requests without an Origin come from no page. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** Milliseconds between two pings, and for which a client may be silent (chat, video). */
  readonly heartbeatMs?: number | undefined;
  /** Milliseconds for which a WebSocket stays while auth-service does not respond (chat, video). */
  readonly unknownMembershipTimeoutMs?: number | undefined;
  /** Bytes of messages that a user may send a second, averaged over 32 s (chat, video). */
  readonly messageBytesPerSecond?: number | undefined;
  /** Milliseconds that uploads have to end when the service stops (storage). */
  readonly uploadDrainMs?: number | undefined;
  /** Bytes each user may store (storage). */
  readonly quotaBytes?: number | undefined;
}

export const SERVICE_CONFIG = Symbol('SERVICE_CONFIG');

/** The environment is invalid. The message lists every fault. */
export class ServiceConfigError extends Error {}

const port = z.coerce.number().int().min(0).max(65_535);

const Environment = z.object({
  SERVICE: z.enum(['auth', 'chat', 'video', 'storage']),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(8080),
  DATA_DIR: z.string().optional(),
  JWT_SECRET: z.string('required, or JWT_SECRET_FILE').min(32, 'at least 32 characters'),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  // In the gateway's form. A name is resolved for each new connection in any case.
  AUTH_SERVICE_URL: z
    .string()
    .transform((text) => text.split(',').map((url) => url.trim().replace(/^dns:/, 'http:')))
    .pipe(z.array(z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/$/, ''))))
    .optional(),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  ALLOWED_ORIGINS: z
    .string()
    .default('http://localhost:3000,http://localhost:8080,http://127.0.0.1:3000,http://127.0.0.1:8080')
    .transform((text) => text.split(',').map((origin) => origin.trim())),
  QUOTA_BYTES: z.coerce.number().int().positive().optional(),
});

const SECRETS = ['JWT_SECRET', 'REDIS_URL'];

export function readEnvironment(env: NodeJS.ProcessEnv): ServiceConfig & { host: string; port: number } {
  // Compose passes a variable that is not set as an empty one.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const faults: string[] = [];
  for (const name of SECRETS) {
    const file = given[`${name}_FILE`];
    if (file === undefined) continue;
    if (given[name] !== undefined) faults.push(`${name}: set it or ${name}_FILE, not both`);
    try {
      given[name] = readFileSync(file, 'utf8').trim();
    } catch (error) {
      faults.push(`${name}_FILE: ${(error as Error).message}`);
    }
  }
  const parsed = Environment.safeParse(given);
  faults.push(...(parsed.error?.issues ?? []).map((issue) => `${String(issue.path[0])}: ${issue.message}`));
  if (!parsed.success || faults.length > 0) {
    throw new ServiceConfigError(['Invalid environment:', ...faults].join('\n  '));
  }
  const values = parsed.data;
  return {
    service: values.SERVICE,
    host: values.HOST,
    port: values.PORT,
    jwtSecret: values.JWT_SECRET,
    dataDir: values.DATA_DIR,
    redisUrl: values.REDIS_URL,
    authServiceUrls: values.AUTH_SERVICE_URL,
    publicUrl: values.PUBLIC_URL?.replace(/\/$/, ''),
    allowedOrigins: values.ALLOWED_ORIGINS,
    quotaBytes: values.QUOTA_BYTES,
  };
}
