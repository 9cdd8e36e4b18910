import { hostname } from 'node:os';
import { isOwnAddress } from './own-address.js';

describe('isOwnAddress', () => {
  it.each([
    'http://localhost:8080',
    'http://LOCALHOST:8080',
    'http://localhost.:8080',
    'http://gateway.localhost:8080',
    'http://127.0.0.1:8080',
    'http://127.8.9.10:8080',
    'http://2130706433:8080',
    'http://0.0.0.0:8080',
    'http://[::1]:8080',
    'http://[::]:8080',
    'http://[::ffff:127.0.0.1]:8080',
    `http://${hostname()}:8080`,
  ])('%s is', (address) => {
    expect(isOwnAddress(new URL(address), 8080)).toBe(true);
  });

  it.each([
    'http://localhost:8081',
    'http://auth-service:8080',
    'http://192.0.2.1:8080',
    'http://[2001:db8::1]:8080',
  ])('%s is not', (address) => {
    expect(isOwnAddress(new URL(address), 8080)).toBe(false);
  });

  it('knows the default ports of schemes', () => {
    expect(isOwnAddress(new URL('http://localhost'), 80)).toBe(true);
    expect(isOwnAddress(new URL('https://localhost'), 443)).toBe(true);
    expect(isOwnAddress(new URL('https://localhost'), 80)).toBe(false);
  });
});
