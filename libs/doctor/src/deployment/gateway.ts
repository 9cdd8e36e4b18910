import {
  SettingsConfigurationError,
  entriesOf,
  type GatewayOptions,
  loadWithValues,
  type Settings,
  TABLE,
  type VariableValues,
} from '@app/gateway/internal';
import { includesPort } from './ports.js';
import type { Sourced } from '../files/sourced.js';
import type { ComposeService } from './service.js';
import type { SourceLocations } from './source-locations.js';

/** Replaces JWT_SECRET, since the doctor reads no secrets. */
const PLACEHOLDER = 'a placeholder for a secret of the gateway';

/** A gateway of the compose file, with the settings that it would read from its environment. */
export class Gateway {
  private constructor(
    readonly service: ComposeService,
    readonly config: Settings,
    private readonly values: VariableValues,
    private readonly places: SourceLocations,
  ) {}

  /** @param given settings of the application's code. @throws SettingsConfigurationError if the gateway would not start */
  static read(service: ComposeService, places: SourceLocations, given: GatewayOptions): Gateway {
    const variables: Record<string, string> = {};
    for (const [name, { value }] of service.environment) variables[name] = value;
    for (const { row } of entriesOf(TABLE)) {
      if (row.kind === 'setting' && row.isSecret) delete variables[`${row.variable}_FILE`];
    }
    variables['JWT_SECRET'] ||= PLACEHOLDER;
    // The TLS files are in the container, not on this machine.
    const { settings, values } = loadWithValues(variables, { settings: given, checksTlsFiles: false });
    return new Gateway(service, settings, values, places);
  }

  /** The value of a variable, with its place in the compose file, or of its default in the code. */
  setting<Name extends keyof VariableValues>(name: Name): Sourced<VariableValues[Name]> {
    const value = this.values[name];
    const set = this.service.variable(name);
    if (set?.value) return { ...set, value };
    // Other types of defaults have no short text.
    const words = typeof value === 'number' || typeof value === 'string' ? `${name} ${value}` : name;
    return { value, text: `${words} (default)`, at: this.places.ofVariable(name) };
  }

  /** The host of its Redis; undefined if the address is in a secret, which the doctor does not read. */
  get redisHost(): string | undefined {
    if (this.service.variable('REDIS_URL_FILE')?.value) return undefined;
    return new URL(this.config.redis.url).hostname;
  }

  /** The line that opens its port to other machines; undefined if none does. */
  get opening(): Sourced | undefined {
    const published = this.service.ports.find(({ host, ports }) => {
      const isLocal = host !== undefined && /^(?:127\.|\[?::1\]?$|localhost$)/.test(host);
      return !isLocal && includesPort([ports], this.config.port);
    });
    return this.service.hostNetwork ?? published?.source;
  }

  /** The most attempts of a request. */
  get attempts(): number {
    return this.values.MAX_RETRIES + 1;
  }
}

export { SettingsConfigurationError };
