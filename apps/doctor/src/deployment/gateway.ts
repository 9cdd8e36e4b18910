import {
  ConfigurationError,
  entriesOf,
  loadWithValues,
  type Settings,
  TABLE,
  type VariableValues,
} from '@app/gateway';
import { includesPort } from './ports.js';
import type { Sourced } from './sourced.js';
import type { ComposeService } from './service.js';
import type { SourceLocations } from './source-locations.js';

/** A secret is not the doctor's to read; any that is long enough will do. */
const PLACEHOLDER = 'a placeholder for a secret of the gateway';

/** One gateway of the compose file, with its configuration as the gateway itself would read it. */
export class Gateway {
  private constructor(
    readonly service: ComposeService,
    readonly config: Settings,
    private readonly values: VariableValues,
    private readonly places: SourceLocations,
  ) {}

  /** @throws ConfigurationError where the gateway would not start with it */
  static read(service: ComposeService, places: SourceLocations): Gateway {
    const variables: Record<string, string> = {};
    for (const [name, { value }] of service.environment) variables[name] = value;
    for (const { row } of entriesOf(TABLE)) {
      if (row.kind === 'setting' && row.isSecret) delete variables[`${row.variable}_FILE`];
    }
    variables['JWT_SECRET'] ||= PLACEHOLDER;
    // Files that they name are the container's.
    const { settings, values } = loadWithValues(variables, { checksTlsFiles: false });
    return new Gateway(service, settings, values, places);
  }

  /** A variable's value, where it is set or else where its default stands. */
  setting<Name extends keyof VariableValues>(name: Name): Sourced<VariableValues[Name]> {
    const value = this.values[name];
    const set = this.service.variable(name);
    if (set?.value) return { ...set, value };
    // A default that is no number or text has no words of its own.
    const words = typeof value === 'number' || typeof value === 'string' ? `${name} ${value}` : name;
    return { value, text: `${words} (default)`, at: this.places.ofVariable(name) };
  }

  /** The host of its Redis; undefined where the address is a secret, which is not the doctor's to read. */
  get redisHost(): string | undefined {
    if (this.service.variable('REDIS_URL_FILE')?.value) return undefined;
    return new URL(this.config.redis.url).hostname;
  }

  /** Where its port is open to more than this machine; undefined where it is not. */
  get opening(): Sourced | undefined {
    const published = this.service.ports.find(({ host, ports }) => {
      const isLocal = host !== undefined && /^(?:127\.|\[?::1\]?$|localhost$)/.test(host);
      return !isLocal && includesPort([ports], this.config.port);
    });
    return this.service.hostNetwork ?? published?.said;
  }

  /** How often the gateway may send a request, in all. */
  get attempts(): number {
    return this.values.MAX_RETRIES + 1;
  }
}

export { ConfigurationError };
