import { startBehindNginx } from '../support/behind-nginx.js';
import { travel } from '../support/journey.js';
import { describeWithNginx } from '../support/nginx.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { startReferenceServices } from '../support/reference-services.js';

describeWithNginx('through nginx and two gateways', () => {
  describeWithRedis('a person who uses SecureConnect', () => {
    it('registers, logs in, talks, calls, moves a file, refreshes, logs out, and is then refused by both', async () => {
      await using redis = await RedisServer.start();
      await using services = await startReferenceServices(redis.url);
      await using behind = await startBehindNginx({ ...services.env, REDIS_URL: redis.url });

      const secrets = await travel(behind);

      for (const { logs } of behind.gateways)
        expect(logs.filter(({ status }) => status === 200)).not.toEqual([]);
      const said = [behind.nginx.errors, ...behind.nginx.lines].join('\n');
      expect(secrets.filter((secret) => said.includes(secret))).toEqual([]);
    });
  });
});
