import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { appModule, COMMAND, gateway, gatewayJson, ProjectFolder } from '../support/command-line.js';
import { JWT_SECRET } from '../support/jwt-secret.js';
import { describeWithBuild } from '../support/requirements.js';

const SHOP = `{ name: 'shop', instances: ['http://127.0.0.1:9'], routes: [{ methods: ['GET'], path: '/shop' }] }`;
const COMMANDS = ['new', 'dev', 'check', 'routes', 'explain', 'config', 'doctor', 'token', 'version'];

interface SettingRow {
  readonly name: string;
  readonly value: string;
  readonly from: string;
}

/** A server that counts its connections. */
async function startCounter(): Promise<{ server: Server; port: number; count: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as { port: number }).port, count: () => connections };
}

describeWithBuild('gateway', () => {
  it.each(COMMANDS)('describes %s', (name) => {
    const { status, stdout } = gateway([name, '--help']);

    expect([status, stdout.split('\n')[0]]).toEqual([0, expect.stringContaining(`Usage: gateway ${name} `)]);
    expect(gateway(['--help']).stdout).toContain(`  ${name}`);
  });

  it.each([[['none']], [[]], [['check', '--colour']], [['check', '--app', 'gone.js']], [['new']]])(
    'exits with 2 at %j',
    (args) => {
      const { status, stdout, stderr } = gateway(args);

      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).not.toBe('');
    },
  );

  it('says in one line what to do without a build', async () => {
    await using project = await ProjectFolder.create();

    for (const name of ['check', 'routes', 'config', 'token']) {
      const { status, stderr } = gateway([name], { folder: project.path });
      expect([status, stderr]).toEqual([
        2,
        expect.stringMatching(/^dist\/app\.module\.js .*npm run build.*\n$/),
      ]);
    }
  });

  it.each([
    ['package.json', '{ "type": ', /^package\.json cannot be read: .+\n$/],
    ['package.json', '{ "gateway": { "app": 5 } }', /^package\.json: gateway\.app is no path of a file\n$/],
    [
      'dist/app.module.js',
      'throw new Error("no \u001b[31mred")',
      /^dist\/app\.module\.js cannot be imported: no \\u001b\[31mred\n$/,
    ],
    ['dist/app.module.js', 'throw null', /^dist\/app\.module\.js cannot be imported: null\n$/],
    ['dist/app.module.js', 'export class AppModule {}', /^dist\/app\.module\.js exports no Nest module\n$/],
    ['dist/app.module.js', 'export const a = ;', /^dist\/app\.module\.js cannot be imported: .+\n$/],
  ])('exits with 2 and one line if %s has %j', async (path, text, message) => {
    await using project = await ProjectFolder.create({ [path]: text });

    const { status, stdout, stderr } = gateway(['check'], { folder: project.path });
    expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
  });

  it('ends quietly if the reader of its output leaves', async () => {
    const child = spawn(process.execPath, [COMMAND, 'config', '--json'], {
      env: { JWT_SECRET },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    const errors = child.stderr.setEncoding('utf8').toArray();

    const [code] = await once(child, 'exit');
    expect([code, await errors]).toEqual([0, []]);
  });

  it('prints its version', () => {
    expect(gateway(['version']).stdout).toMatch(/^gateway \d+\.\d+\.\d+, Node 24\./);
    expect(gatewayJson(['version'])).toEqual({ gateway: expect.any(String), node: process.versions.node });
  });
});

describeWithBuild('gateway check', () => {
  it('finds no fault in the application of this repository', () => {
    expect(gatewayJson(['check'])).toMatchObject({ faults: [], upstreams: 4 });
    expect(gateway(['check'])).toMatchObject({ status: 0, stderr: '' });
  });

  it('connects neither to Redis nor to an upstream', async () => {
    const { server, port, count } = await startCounter();
    const text = appModule([SHOP.replace(':9', `:${port}`)]);
    await using project = await ProjectFolder.create({ 'dist/app.module.js': text });
    const variables = { JWT_SECRET, REDIS_URL: `redis://127.0.0.1:${port}` };

    // Not synchronous: this process has the server.
    const child = spawn(process.execPath, [COMMAND, 'check'], { cwd: project.path, env: variables });
    const [code] = await once(child, 'exit');
    server.close();

    expect([code, count()]).toEqual([0, 0]);
  });

  it('ends although a provider keeps the process running', async () => {
    const text = `${appModule([SHOP])}\nsetInterval(() => {}, 1000);`;
    await using project = await ProjectFolder.create({ 'dist/app.module.js': text });

    expect(gateway(['check'], { folder: project.path }).status).toBe(0);
  });

  it('exits with 78 and all faults of the settings', () => {
    const variables = { PORT: 'x', CONNECT_TIMEOUT_MS: '-1' };
    const { status, stderr } = gateway(['check'], { variables });

    expect(status).toBe(78);
    for (const name of ['PORT', 'CONNECT_TIMEOUT_MS', 'JWT_SECRET']) expect(stderr).toContain(`${name} `);
  });

  it('exits with 78 and all faults of the routes', async () => {
    const faulty = `{ name: 'shop', instances: ['http://shop'], routes: [
      { methods: ['GET'], path: 'a' }, { methods: ['get'], path: '/b' }, { methods: ['GET'], path: '/c' }] }`;
    const nameless = `{ name: 'No Name', routes: [] }`;
    await using project = await ProjectFolder.create({ 'dist/app.module.js': appModule([faulty, nameless]) });
    const folder = project.path;

    const { status, stderr } = gateway(['check'], { folder });
    expect(status).toBe(78);
    expect(stderr.trim().split('\n')).toHaveLength(3);
    expect(gatewayJson<{ faults: string[] }>(['check'], { folder }).faults).toHaveLength(3);
  });
});

describeWithBuild('gateway routes', () => {
  it('lists the routes with their lines', () => {
    const rows = gatewayJson<{ path: string; at: string }[]>(['routes']);

    expect(rows.find(({ path }) => path === '/v1/messages')).toEqual({
      methods: ['GET', 'POST'],
      path: '/v1/messages',
      websocket: false,
      websocketOnly: false,
      upstream: 'chat-service',
      token: 'required',
      limit: { name: 'MESSAGES', perMinute: 100 },
      at: expect.stringMatching(/chat\.upstream\.ts:\d+$/),
    });
    expect(gateway(['routes']).stdout).toMatch(/^METHODS +PATH +UPSTREAM +TOKEN +LIMIT +AT\n/);
  });
});

describeWithBuild('gateway config', () => {
  it('says where each value comes from, and hides secrets', async () => {
    const options = `{ port: 9000, title: 'Shop', proxy: { addresses: { shop: ['http://shop:1'] } },
      environments: { staging: { port: 9100, proxy: { addresses: { 'cart-service': ['http://cart:1'] } } } },
      gates: [class Gate { check() {} }], controllerRoutes: [] }`;
    await using project = await ProjectFolder.create({
      'dist/app.module.js': appModule([SHOP], options),
      secret: JWT_SECRET,
    });
    const variables = {
      JWT_SECRET_FILE: 'secret',
      ENV: 'staging',
      LOG_LEVEL: 'warn',
      REDIS_URL: 'redis://user:hunter2@redis:6379',
    };
    const settings = { folder: project.path, variables };
    const rows = gatewayJson<SettingRow[]>(['config'], settings);
    const of = (name: string) => rows.find((row) => row.name === name);

    expect(of('PORT')).toMatchObject({ value: '9100', from: 'code', default: '8080' });
    expect(of('title')).toMatchObject({ value: 'Shop', from: 'code' });
    expect(of('proxy.addresses.shop')).toMatchObject({ value: 'http://shop:1', from: 'code' });
    expect(of('proxy.addresses.cart')).toMatchObject({ value: 'http://cart:1', from: 'code' });
    expect(gateway(['token'], settings).status).toBe(0);
    expect(of('LOG_LEVEL')).toMatchObject({ value: 'warn', from: 'environment' });
    expect(of('JWT_SECRET')).toMatchObject({ value: '(hidden)', from: 'file' });
    expect(of('REDIS_URL')).toMatchObject({ from: 'environment' });
    expect(of('CONNECT_TIMEOUT_MS')).toMatchObject({ value: '2000', from: 'default' });
    for (const output of [gateway(['config'], settings).stdout, JSON.stringify(rows)]) {
      expect(output).not.toContain('hunter2');
      expect(output).not.toContain(JWT_SECRET);
    }
  });
});

describeWithBuild('gateway token', () => {
  it('signs a token that the gateway accepts, and warns', () => {
    const { status, stdout, stderr } = gateway([
      'token',
      '--user',
      'anna',
      '--role',
      'admin',
      '--expires',
      '15m',
    ]);
    const explained = gateway([
      'explain',
      'GET',
      '/v1/messages',
      '--header',
      `Authorization: Bearer ${stdout.trim()}`,
    ]);

    expect([status, stderr]).toEqual([0, expect.stringMatching(/^warning: .+ anna .+\n$/)]);
    expect(explained.status).toBe(0);
    expect(explained.stdout).toContain('MESSAGES:user:anna');
  });

  it('has the audience, the issuer and the names of claims of the application', () => {
    const { claims } = gatewayJson<{ claims: Record<string, unknown> }>([
      'token',
      '--user',
      'anna',
      '--expires',
      '60',
    ]);

    expect(claims).toMatchObject({
      user_id: 'anna',
      role: 'user',
      aud: 'secureconnect-api',
      iss: 'secureconnect-auth',
    });
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(60);
  });

  it.each(['0', '-5', '1y', 'x'])('exits with 2 at --expires %s', (text) => {
    expect(gateway(['token', `--expires=${text}`])).toMatchObject({ status: 2, stdout: '' });
  });
});

describeWithBuild('gateway doctor', () => {
  it('notes what a folder does not have', async () => {
    await using project = await ProjectFolder.create();

    const { status, stdout } = gateway(['doctor'], { folder: project.path });
    expect([status, stdout.trim().split('\n')]).toEqual([
      0,
      [expect.stringContaining('no compose file'), '0 rules hold.'],
    ]);
  });

  it('checks what it can without a build', async () => {
    const compose = 'services:\n  web:\n    image: nginx\n    environment: { API_PASSWORD: hunter2 }\n';
    await using project = await ProjectFolder.create({ 'compose.yaml': compose });

    const { status, stdout } = gateway(['doctor'], { folder: project.path });
    expect(status).toBe(1);
    expect(stdout).toContain('compose.yaml:4');
    expect(stdout).toContain('rules about routes were not checked: dist/app.module.js does not exist');
    expect(stdout).toContain('1 finding.');
    expect(stdout).not.toContain('hunter2');
  });
});
