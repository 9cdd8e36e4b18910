import { readFile } from 'node:fs/promises';
import { Stack } from './deployment/stack.js';
import type { ComposeService } from './deployment/service.js';
import { TextFiles } from './files/text-files.js';
import { entriesAt, itemsAt, textAt } from './files/yaml.tree.js';

const GATEWAYS = ['api-gateway', 'api-gateway-2'];
const SERVICES = ['auth-service', 'chat-service', 'video-service', 'storage-service'];

/** The pairs of services that can reach each other, with the reason. No other pair can. */
const REACHES: readonly (readonly [from: readonly string[], to: readonly string[], why: string])[] = [
  [['nginx'], GATEWAYS, 'passes requests'],
  [GATEWAYS, SERVICES, 'pass requests'],
  [GATEWAYS, GATEWAYS, 'are alike, so they are on the same networks'],
  [['chat-service', 'video-service'], ['auth-service'], 'ask for memberships'],
  [[...GATEWAYS, 'auth-service'], ['redis'], 'count, read and write revocations'],
  [['redis-exporter'], ['redis'], 'reads figures'],
  [
    ['prometheus'],
    [...GATEWAYS, ...SERVICES, 'redis-exporter', 'alertmanager'],
    'reads figures, tells of alerts',
  ],
  [['grafana'], ['prometheus'], 'shows figures'],
  [
    ['alertmanager', 'grafana', 'redis-exporter'],
    ['alertmanager', 'grafana', 'redis-exporter'],
    'are watchers',
  ],
];

/** The secrets that each service may read. */
const SECRETS: Readonly<Record<string, readonly string[]>> = {
  nginx: ['tls_crt', 'tls_key'],
  'api-gateway': ['jwt_secret', 'redis_gateway_url'],
  'api-gateway-2': ['jwt_secret', 'redis_gateway_url'],
  'auth-service': ['jwt_secret', 'redis_auth_url'],
  'chat-service': ['jwt_secret'],
  'video-service': ['jwt_secret'],
  'storage-service': ['jwt_secret'],
  redis: ['redis_health_password', 'redis_users'],
  prometheus: [],
  alertmanager: ['alert_webhook'],
  grafana: ['grafana_password'],
  'redis-exporter': ['redis_exporter'],
};

function readStack(...over: readonly string[]): Stack {
  const compose = ['docker-compose.yml', ...over];
  return new Stack(new TextFiles('.'), { compose, env: '.env.example', dockerfile: undefined });
}

const pair = (one: string, other: string): string => [one, other].toSorted().join(' - ');

/** The pairs of services that share a network. */
function sharing({ services }: Stack): string[] {
  const pairs = services.flatMap((one, index) =>
    services
      .slice(index + 1)
      .filter((other) => one.networks.some((network) => other.networks.includes(network)))
      .map((other) => pair(one.name, other.name)),
  );
  return pairs.toSorted();
}

/** The texts of a list of a service. */
function textsAt({ node }: ComposeService, key: string): string[] {
  return itemsAt(node, key).map((item) => {
    if (item.kind !== 'text') throw new Error(`${key} has an item that is no text`);
    return item.text;
  });
}

/** The rows of a table of a README below a sentence, its cells without backticks. */
function tableBelow(text: string, sentence: string): string[][] {
  const [, below] = text.split(`${sentence}\n\n`);
  const lines = below!.split('\n');
  const rows = lines.slice(0, lines.indexOf(''));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

describe('the networks of docker-compose.yml', () => {
  const expected = REACHES.flatMap(([from, to]) =>
    from.flatMap((one) => to.filter((other) => other !== one).map((other) => pair(one, other))),
  );

  it.each([
    ['alone', []],
    ['with what the test of the stack lays over it', ['test/stack/test.yml', 'test/stack/stand-ins.yml']],
  ])('%s join only those who talk with each other', (_what, over) => {
    const stack = readStack(...over);

    expect(sharing(stack)).toEqual([...new Set(expected)].toSorted());
    expect(stack.services.filter(({ hostNetwork }) => hostNetwork).map(({ name }) => name)).toEqual([]);
  });

  it('of Redis have no way out of this machine', () => {
    const stack = readStack();
    const networks = entriesAt(stack.node, 'networks');
    const redis = stack.services.find(({ name }) => name === 'redis')!;

    expect(redis.networks.map((name) => [name, textAt(networks.get(name), 'internal')?.value])).toEqual([
      ['redis', 'true'],
      ['redis-figures', 'true'],
    ]);
  });

  it('are all declared, and none is without a service', () => {
    const stack = readStack();
    const used = new Set(stack.services.flatMap(({ networks }) => networks));

    expect([...entriesAt(stack.node, 'networks').keys()].toSorted()).toEqual([...used].toSorted());
  });
});

describe('the secrets of docker-compose.yml', () => {
  it('go to those alone that need them', () => {
    const { services } = readStack();

    expect(
      Object.fromEntries(services.map((service) => [service.name, textsAt(service, 'secrets').toSorted()])),
    ).toEqual(SECRETS);
  });
});

describe('what can be reached from outside', () => {
  it('is what the README says', async () => {
    const published = readStack().services.flatMap((service) =>
      textsAt(service, 'ports').map((text) => {
        const port = text.split(':').at(-1)!;
        return [text.slice(0, -port.length - 1), `${service.name}:${port}`];
      }),
    );
    const rows = tableBelow(
      await readFile('README.md', 'utf8'),
      'What can be reached from outside the stack, and nothing else:',
    );

    expect(rows.map(([address, , target]) => [address, target])).toEqual(published);
    expect(rows.filter(([address]) => !address!.startsWith('127.0.0.1:')).map((row) => row[2])).toEqual([
      'nginx:80',
      'nginx:443',
    ]);
  });

  it('differs by the variable that the README names', async () => {
    const rows = tableBelow(
      await readFile('README.md', 'utf8'),
      'What can be reached from outside the stack, and nothing else:',
    );
    const compose = await readFile('docker-compose.yml', 'utf8');
    const example = await readFile('.env.example', 'utf8');

    for (const [address, variable, target] of rows) {
      const port = target!.split(':')[1]!;
      expect(compose).toMatch(new RegExp(`\\$\\{${variable}:-[\\d.:]+\\}:${port}'`));
      const [, value] = new RegExp(`^${variable}=(.+)$`, 'm').exec(example)!;
      expect([variable, address!.endsWith(value!)]).toEqual([variable, true]);
    }
    expect(rows).toHaveLength(5);
  });
});
