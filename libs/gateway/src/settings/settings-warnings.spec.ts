import { warningsFor } from './settings-warnings.js';
import { loadSettings } from './load-settings.js';
import type { Variables } from './variables.js';

const JWT_SECRET = 'a secret of the tests, long enough to be one';

const warned = (variables: Variables): (readonly string[])[] =>
  warningsFor(loadSettings({ JWT_SECRET, JWT_AUDIENCE: 'api', ...variables })).map(
    ({ variables: names }) => names,
  );

describe('warningsFor', () => {
  it('says nothing of the defaults', () => {
    expect(warned({})).toEqual([]);
  });

  it('counts the time to connect for each attempt, and one response', () => {
    const timeouts = { CONNECT_TIMEOUT_MS: '2000', RESPONSE_HEADERS_TIMEOUT_MS: '30000', MAX_RETRIES: '2' };

    expect(warned({ ...timeouts, REQUEST_TIMEOUT_MS: '36000' })).toEqual([]);
    expect(warned({ ...timeouts, REQUEST_TIMEOUT_MS: '35999' })).toEqual([
      ['REQUEST_TIMEOUT_MS', 'RESPONSE_HEADERS_TIMEOUT_MS', 'CONNECT_TIMEOUT_MS', 'MAX_RETRIES'],
    ]);
  });

  it.each(['WEBSOCKET_MAX_MESSAGE_BYTES', 'WEBSOCKET_MAX_RESUME_BYTES'])(
    'wants room for %s in the buffer that all sockets share',
    (name) => {
      const others = { WEBSOCKET_MAX_MESSAGE_BYTES: '10', WEBSOCKET_MAX_RESUME_BYTES: '10' };

      expect(warned({ ...others, [name]: '1000', WEBSOCKET_MAX_BUFFER_BYTES: '1000' })).toEqual([]);
      expect(warned({ ...others, [name]: '1001', WEBSOCKET_MAX_BUFFER_BYTES: '1000' })).toEqual([
        ['WEBSOCKET_MAX_BUFFER_BYTES', name],
      ]);
    },
  );

  it('wants an audience, without which any token of the key is accepted', () => {
    expect(warned({ JWT_AUDIENCE: '' })).toEqual([['JWT_AUDIENCE']]);
  });

  it('wants a proxy if other machines reach the gateway, and no public network as one', () => {
    expect(warned({ HOST: '0.0.0.0' })).toEqual([['TRUST_PROXY', 'HOST']]);
    expect(warned({ HOST: '127.0.0.2' })).toEqual([]);
    expect(warned({ HOST: '0.0.0.0', TRUST_PROXY: '172.28.90.10' })).toEqual([]);
    expect(warned({ TRUST_PROXY: '10.0.0.0/8,0.0.0.0/0' })).toEqual([['TRUST_PROXY']]);
    expect(warned({ TRUST_PROXY: '::/0' })).toEqual([['TRUST_PROXY']]);
    expect(warned({ TRUST_PROXY: '0.0.0.0/1,128.0.0.0/1' })).toEqual([['TRUST_PROXY']]);
    expect(warned({ TRUST_PROXY: '10.0.0.0/8,fc00::/7' })).toEqual([]);
  });
});
