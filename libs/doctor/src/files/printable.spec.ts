import { printable } from './printable.js';

describe('printable', () => {
  it.each([
    ['redis-cli -h cache -a hunter2 ping', 'redis-cli -h cache -a (hidden) ping'],
    ['redis-cli -a hunter2 ping', 'redis-cli -a (hidden) ping'],
    ['redis-server --requirepass=hunter2 --port 1', 'redis-server --requirepass=(hidden) --port 1'],
    ["redis-server --requirepass 'hunter 2'", 'redis-server --requirepass (hidden)'],
    ['curl -u me:hunter2 http://127.0.0.1/', 'curl -u me:(hidden) http://127.0.0.1/'],
    ['REDIS_URL: redis://me:hunter2@cache:6379', 'REDIS_URL: redis://me:(hidden)@cache:6379'],
    ['mongodb+srv://me:hunter2@db', 'mongodb+srv://me:(hidden)@db'],
    ['JWT_SECRET: hunter2 and more', 'JWT_SECRET: (hidden)'],
    ['ENV API_KEY=hunter2 PORT=1', 'ENV API_KEY=(hidden) PORT=1'],
    ['PGPASSWORD=hunter2 psql', 'PGPASSWORD=(hidden) psql'],
  ])('hides the password of %j', (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it.each([
    'redis-cli -a $REDIS_PASSWORD ping',
    'redis-cli -a ${REDIS_PASSWORD}',
    'JWT_SECRET_FILE: /run/secrets/jwt',
    'http://127.0.0.1:8080/health',
    'stop_grace_period: 30s',
  ])('leaves %j', (text) => {
    expect(printable(text)).toBe(text);
  });

  it.each(['a', 'redis-cli ', 'a://', 'a=', '-a ', '$', ':'])(
    'ends for many %j',
    (part) => {
      const text = part.repeat(300_000 / part.length);

      expect(printable(text).length).toBeGreaterThan(0);
    },
    20_000,
  );

  it('leaves nothing that a terminal acts upon', () => {
    expect(printable('a\u001b[2J\nb\u009b\u202ec\u007f')).toBe('a\\u001b[2J\\u000ab\\u009b\\u202ec\\u007f');
  });
});
