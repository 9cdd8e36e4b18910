import { JWT_SECRET } from '../../../../test/support/jwt-secret.js';
import { loadSettings } from './load-settings.js';

describe('settings from code', () => {
  it.each([
    [{ REDIS_HOST: 'h' }, { url: 'redis://u' }, 'redis.url in code and REDIS_HOST are both set'],
    [{ REDIS_PASSWORD: 'p' }, { url: 'redis://u' }, 'redis.url in code and REDIS_PASSWORD are both set'],
    [{}, { url: 'redis://u', host: 'h' }, 'redis.url in code and redis.host in code are both set'],
    [{ REDIS_URL: 'redis://u', REDIS_HOST: 'h' }, {}, 'REDIS_URL and REDIS_HOST are both set'],
  ])('and variables have no two of one meaning: %j and %j', (variables, redis, message) => {
    expect(() => loadSettings({ JWT_SECRET, ...variables }, { settings: { redis } })).toThrow(message);
  });

  it.each<[unknown, string]>([
    [null, 'the options must be an object of settings'],
    [{ proxy: 5 }, 'proxy must be an object of settings'],
    [{ cors: null }, 'cors must be an object of settings'],
    [{ toString: 1 }, 'toString is not a setting'],
    [{ environments: null }, 'environments must be an object of settings'],
    [{ environments: { production: null } }, 'environments.production must be an object of settings'],
    [
      { environments: { production: { port: -1 } } },
      'environments.production.port has a value that it does not',
    ],
    [{ environments: { a: { environment: 'b' } } }, 'environments.a.environment is not a setting'],
    [{ proxy: { addresses: { Shop: ['http://a'] } } }, 'proxy.addresses.Shop is not the name of an upstream'],
    [
      { proxy: { addresses: { a: ['http://a'], 'a-service': ['http://b'] } } },
      'proxy.addresses.a-service and proxy.addresses.a are the same',
    ],
    [{ rateLimit: { perMinute: { login: 1 } } }, 'rateLimit.perMinute.login is not the name of a limit'],
    [{ rateLimit: { perMinute: [1] } }, 'rateLimit.perMinute must be an object'],
  ])('are refused if they are %j', (settings, message) => {
    expect(() => loadSettings({ JWT_SECRET }, { settings: settings as object })).toThrow(message);
  });

  it('stay as they are if an environment has them undefined', () => {
    const settings = { host: '0.0.0.0', environments: { development: { host: undefined } } };

    expect(loadSettings({ JWT_SECRET }, { settings: settings as object }).host).toBe('0.0.0.0');
  });

  it('may name an upstream ratelimit, which a variable may name too', () => {
    const settings = { proxy: { addresses: { 'ratelimit-service': ['http://code:1'] } } };
    const load = (variables: object) => loadSettings({ JWT_SECRET, ...variables }, { settings });

    expect(load({}).proxy.addresses.get('ratelimit')).toEqual(['http://code:1']);
    const { proxy, rateLimit } = load({ RATELIMIT_SERVICE_URL: 'http://variable:1' });
    expect(proxy.addresses.get('ratelimit')).toEqual(['http://variable:1']);
    expect([...rateLimit.perMinute]).toEqual([]);
  });
});
