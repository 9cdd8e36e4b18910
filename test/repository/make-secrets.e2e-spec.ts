import { writeFile } from 'node:fs/promises';
import { describeWithRedis } from '../support/redis.js';
import { StackRedis } from '../support/stack-redis.js';

describeWithRedis('scripts/make-secrets', () => {
  it('gives each user a password of its own, and Redis their hashes alone', async () => {
    await using redis = await StackRedis.start();
    const { secrets } = redis;
    const names = ['gateway', 'auth', 'exporter', 'health', 'operator'];
    const passwords = await Promise.all(names.map((name) => secrets.read(`redis_${name}_password`)));
    const users = await secrets.read('redis_users');

    expect(new Set(passwords).size).toBe(names.length);
    for (const password of passwords) {
      expect(password).toMatch(/^[0-9a-f]{64}$/);
      expect(users).not.toContain(password);
    }
    expect(users).not.toContain('PASSWORD');
  });

  it('leaves what is there, makes what is gone, and lets what is made of it follow', async () => {
    await using redis = await StackRedis.start();
    const { secrets } = redis;
    const before = await secrets.read('redis_gateway_url');

    expect(await secrets.makeAgain()).toEqual([]);
    await writeFile(secrets.path('redis_users'), 'user default on nopass allkeys +@all\n');
    expect(await secrets.makeAgain()).toEqual(['made redis_users']);
    await writeFile(secrets.path('redis_auth_password'), '');
    expect(await secrets.makeAgain()).toEqual([
      'made redis_auth_password',
      'made redis_auth_url',
      'made redis_users',
    ]);
    expect(await secrets.read('redis_gateway_url')).toBe(before);
    const operator = await redis.clientOf('operator');
    await operator.acl('LOAD');
    expect(await (await redis.clientOf('auth')).set('blacklist:1', 'revoked')).toBe('OK');
  });
});
