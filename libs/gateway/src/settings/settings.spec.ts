import { SettingsConfigurationError } from './configuration.error.js';
import { configurationPage } from './configuration-page.js';
import { helpText } from './help-text.js';
import { loadSettings } from './load-settings.js';
import { misspeltVariables } from './misspelt-variables.js';
import { readTable } from './read-table.js';
import { entriesOf, type ValuesOf, type VariablesOf } from './setting.js';
import { milliseconds } from './setting-types.js';
import { TABLE, type GatewaySettings } from './settings.js';
import { settingsSchema } from './settings-schema.js';

const JWT_SECRET = 'a secret of the tests, long enough to be one';

const ENTRIES = entriesOf(TABLE);
const SETTINGS = ENTRIES.flatMap(({ path, row }) => (row.kind === 'setting' ? [{ ...row, path }] : []));
const VARIABLES = ENTRIES.flatMap(({ row }) => row.variable ?? []);

describe('the table of settings', () => {
  it('has each variable once, and no former name among them', () => {
    expect(new Set(VARIABLES).size).toBe(VARIABLES.length);
    for (const { former } of SETTINGS) expect(VARIABLES).not.toContain(former);
  });

  it.each(ENTRIES.map(({ path, row }) => [path, row.meaning]))(
    'describes %s in two or three sentences',
    (_path, meaning) => {
      const sentences = meaning.split(/(?<=\.) (?=[A-Z`])/);

      expect(sentences.length).toBeGreaterThanOrEqual(2);
      expect(sentences.length).toBeLessThanOrEqual(3);
      expect(meaning).toMatch(/\.$/);
    },
  );

  it.each(SETTINGS.map((row) => [row.path, row] as const))('takes the default of %s', (_path, row) => {
    if (row.default === undefined) return;

    expect(row.schema.safeParse(row.default).success).toBe(true);
    expect(row.schema.parse(row.parse(row.format(row.default)))).toEqual(row.default);
  });

  it.each([
    ['RETRY_BUDGET_PERCENT', { type: 'number', minimum: 0, maximum: 100, default: 20 }],
    ['MAX_MEMORY_PERCENT', { type: 'integer', minimum: 1, maximum: 100, default: 90 }],
  ])('has %s in the JSON schema with the type that its variable takes', (variable, schema) => {
    expect(settingsSchema()).toMatchObject({ properties: { [variable]: schema } });
  });

  it('takes a ratio with decimals and gives it back', () => {
    const { parse, format, schema } = TABLE.proxy.retries.budgetRatio;

    expect(loadSettings({ JWT_SECRET, RETRY_BUDGET_PERCENT: '12.5' }).proxy.retries.budgetRatio).toBe(0.125);
    for (const text of ['12.5', '29', '0.1']) expect(format(schema.parse(parse(text)))).toBe(text);
  });

  it('names only existing variables in its comparisons', () => {
    for (const { below, excludes } of SETTINGS) {
      expect([...VARIABLES, undefined]).toContain(below);
      expect([...VARIABLES, undefined]).toContain(excludes);
    }
  });
});

describe('a new setting', () => {
  const table = {
    ...TABLE,
    extra: {
      napMs: milliseconds({
        variable: 'NAP_LENGTH_MS',
        former: 'SLEEP_MS',
        default: 20,
        below: 'REQUEST_TIMEOUT_MS',
        meaning: 'The time of a nap. When it passes, the gateway wakes up.',
      }),
    },
  };
  const read = (variables: Record<string, string>, given = {}): ReturnType<typeof readTable> =>
    readTable(table, { JWT_SECRET, ...variables }, given);

  it('is read, with its default, from code and from its variable', () => {
    // The type comes from the table too.
    const napMs = (part: object): ValuesOf<typeof table>['extra']['napMs'] =>
      (part as ValuesOf<typeof table>).extra.napMs;
    const values = read({ NAP_LENGTH_MS: '7' }).values as VariablesOf<typeof table>;

    expect(napMs(read({}).settings)).toBe(20);
    expect(napMs(read({}, { extra: { napMs: 5 } }).settings)).toBe(5);
    expect(napMs(read({ NAP_LENGTH_MS: '7' }, { extra: { napMs: 5 } }).settings)).toBe(7);
    expect(values.NAP_LENGTH_MS).toBe(7);
  });

  it('is validated by its bounds, its order and its former name', () => {
    const messagesOf = (variables: Record<string, string>): string[] =>
      read(variables).faults.map(({ message }) => message);

    expect(messagesOf({ NAP_LENGTH_MS: '0' })).toEqual([
      'NAP_LENGTH_MS is "0"; it takes milliseconds, 1 to 86400000',
    ]);
    expect(messagesOf({ NAP_LENGTH_MS: '45000' })).toEqual([
      'NAP_LENGTH_MS (45000) must be less than REQUEST_TIMEOUT_MS (45000)',
    ]);
    expect(messagesOf({ SLEEP_MS: '1' })).toEqual(['SLEEP_MS is now called NAP_LENGTH_MS']);
  });

  it('is on the page, in the help text, in the JSON schema, and known to the search for misspelt names', () => {
    expect(configurationPage(table)).toContain('### `NAP_LENGTH_MS`\n\nThe time of a nap.');
    expect(helpText(table)).toContain('NAP_LENGTH_MS\n    The time of a nap.');
    expect(settingsSchema(table)).toMatchObject({
      properties: { NAP_LENGTH_MS: { type: 'integer', minimum: 1, maximum: 86_400_000, default: 20 } },
    });
    expect(misspeltVariables({ NAP_LENGHT_MS: '1', NAP_LENGTH_MS: '1' }, table)).toEqual([
      { variable: 'NAP_LENGHT_MS', nearest: 'NAP_LENGTH_MS' },
    ]);
  });
});

describe('settings from code', () => {
  const load = (settings: GatewaySettings, variables: Record<string, string> = {}) =>
    loadSettings({ JWT_SECRET, ...variables }, { settings });

  it('replace defaults, and variables win over them', () => {
    const settings = { port: 1, proxy: { retries: { budgetRatio: 0.5 }, requestTimeoutMs: 40_000 } };
    const loaded = load(settings, { REQUEST_TIMEOUT_MS: '41000' });

    expect(loaded).toMatchObject({
      port: 1,
      proxy: { retries: { budgetRatio: 0.5, maxRetries: 2 }, requestTimeoutMs: 41_000 },
    });
  });

  it('may be the secret, limits and addresses', () => {
    const loaded = loadSettings(
      { CHAT_SERVICE_URL: 'http://b' },
      {
        settings: {
          auth: { secret: JWT_SECRET },
          rateLimit: { perMinute: { AUTH_LOGIN: 3 } },
          proxy: { addresses: { 'chat-service': ['http://a'], 'auth-service': ['http://a'] } },
        },
      },
    );

    expect(loaded.rateLimit.perMinute.get('AUTH_LOGIN')).toBe(3);
    expect([...loaded.proxy.addresses]).toEqual([
      ['chat', ['http://b']],
      ['auth', ['http://a']],
    ]);
  });

  it.each<[GatewaySettings, string]>([
    [{ port: 65_536 }, 'port has a value that it does not take; it takes a port, 0 to 65535'],
    [{ redis: { commandTimeoutMs: Number.NaN } }, 'redis.commandTimeoutMs has a value'],
    [{ rateLimit: { perMinute: { A: 0 } } }, 'rateLimit.perMinute.A has a value'],
    [{ proxy: { requestTimeoutMs: 50_000 } }, 'REQUEST_TIMEOUT_MS (50000) must be less than'],
    [{ prot: 1 } as GatewaySettings, 'prot is not a setting'],
  ])('are validated like variables: %j', (settings, message) => {
    expect(() => load(settings)).toThrow(SettingsConfigurationError);
    expect(() => load(settings)).toThrow(message);
  });
});

describe('misspeltVariables', () => {
  it.each([
    ['CONECT_TIMEOUT_MS', 'CONNECT_TIMEOUT_MS'],
    ['connect_timeout_ms', 'CONNECT_TIMEOUT_MS'],
    ['REQUEST_TIMEOUT', 'REQUEST_TIMEOUT_MS'],
    ['JWT_SECRET_FIEL', 'JWT_SECRET_FILE'],
    ['REDIS_URI', 'REDIS_URL'],
    ['RATELIMT_AUTH_LOGIN', 'RATELIMIT_AUTH_LOGIN'],
    ['RATE_LIMIT_AUTH_LOGIN', 'RATELIMIT_AUTH_LOGIN'],
    ['auth_service_url', 'AUTH_SERVICE_URL'],
    ['AUTH_SERVICE_URI', 'AUTH_SERVICE_URL'],
    ['BILLING_PLUS_SERVCE_URL', 'BILLING_PLUS_SERVICE_URL'],
    ['A_B_SERVICE_TLS_CA_FILES', 'A_B_SERVICE_TLS_CA_FILE'],
    ['CHAT_SERVICE_TLS_SERVERNAME', 'CHAT_SERVICE_TLS_SERVER_NAME'],
  ])('finds %s', (variable, nearest) => {
    expect(misspeltVariables({ [variable]: '1' })).toEqual([{ variable, nearest }]);
  });

  it('knows the variables of settings, and ignores those of other programs', () => {
    const own = {
      AUTH_SERVICE_URL: '1',
      RATELIMIT_AUTH: '1',
      CHAT_SERVICE_TLS_CA_FILE: '1',
      JWT_SECRET: '1',
    };
    const others = {
      HOME: '/root',
      HOSTNAME: 'a',
      HOSE: 'a',
      PATH: '/bin',
      REDIS_PORT: 'tcp://10.0.0.1:6379',
      NODE_OPTIONS: '-',
      AUTH_SERVICE_HOST: '10.0.0.1',
      AUTH_SERVICE_PORT: 'tcp://10.0.0.1:80',
      AUTH_SERVICE_SERVICE_HOST: '10.0.0.1',
      AUTH_SERVICE_SERVICE_PORT_HTTP: '80',
      USER_DEVICE_URL: 'http://a',
      SERVICE_URI: 'http://a',
      CHAT_SERVICE_CERT_FILE: '/a',
      CONECT_TIMEOUT_MS: '',
    };

    expect(misspeltVariables({ ...own, ...others })).toEqual([]);
  });
});
