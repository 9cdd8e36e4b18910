import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { ask } from '../support/ask.js';
import { JWT_SECRET } from '../support/jwt-secret.js';
import { startService } from '../support/service.js';

/** Node itself, as the package of npm that has it for this platform. */
const nodeAt = (version: string): string => `npm:node-${process.platform}-${process.arch}@${version}`;

/** What a team installs beside the tarball, by the versions of Nest. The oldest of each that the peers take. */
const NEST_11 = {
  '@nestjs/common': '11.1.10',
  '@nestjs/core': '11.1.10',
  '@nestjs/jwt': '11.0.0',
  '@nestjs/platform-express': '11.1.10',
  '@nestjs/terminus': '11.1.0',
  '@nestjs/websockets': '11.1.10',
};
const NEST_12 = {
  '@nestjs/common': '12.5.1',
  '@nestjs/core': '12.5.1',
  '@nestjs/jwt': '12.0.2',
  '@nestjs/platform-express': '12.5.1',
  '@nestjs/terminus': '12.1.0',
  '@nestjs/websockets': '12.1.1',
};
const TYPES = { '@types/express': '5.0.6', '@types/node': '24.19.2' };
const OTHERS = { 'reflect-metadata': '0.2.2', rxjs: '7.8.2' };
const NODES = { node20: '20.19.0', node22: '22.21.0', node24: '24.9.0', node26: '26.0.0' };

const APPLICATION = `
class Orders {}
Upstream({
  name: 'orders',
  instances: [process.env.SERVICE],
  routes: [{ methods: ['GET', 'POST'], path: '/orders/:id', auth: 'none' }],
})(Orders);
class AppModule {}
Module({ imports: [GatewayModule.forRoot()], providers: [Orders] })(AppModule);
runGateway(AppModule);
`;

const IMPORTS = `import { GatewayModule, runGateway, Upstream } from '@secureconnect/gateway';
import { Module } from '@nestjs/common';
`;

const REQUIRES = `const { GatewayModule, runGateway, Upstream } = require('@secureconnect/gateway');
const { Module } = require('@nestjs/common');
`;

/** An application in TypeScript that uses each entry. */
const TYPED = `import { GatewayModule, Upstream, type Exchange, type Gate, type RouteOptions } from '@secureconnect/gateway';
import { AuthModule } from '@secureconnect/gateway/auth';
import { getProxyToken, ProxyModule } from '@secureconnect/gateway/proxy';
import * as testing from '@secureconnect/gateway/testing';

const route: RouteOptions = { methods: ['GET'], path: '/orders/:id' };

class OrdersGate implements Gate {
  check(exchange: Exchange): void {
    exchange.requestHeaders.set('X-Order', exchange.parameter('id') ?? '');
  }
}

@Upstream({ name: 'orders', routes: [route], gates: [OrdersGate] })
class Orders {}

export const all = [
  GatewayModule.forRoot({ port: 1 }),
  ProxyModule.forRoot({ requestTimeoutMs: 1 }),
  AuthModule.forRoot({ secret: '' }),
  getProxyToken('orders'),
  testing,
  Orders,
];
`;

/** A project of a team, in a folder of its own, with the tarball installed. */
class Project implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async install(type: 'commonjs' | 'module', packages: Readonly<Record<string, string>>) {
    const project = new Project(await mkdtemp(`${tmpdir()}/gateway-package-`));
    await cp(await tarball(), `${project.folder}/gateway.tgz`);
    const dependencies = { ...packages, ...OTHERS, ...TYPES, '@secureconnect/gateway': 'file:gateway.tgz' };
    await project.write('package.json', JSON.stringify({ private: true, type, dependencies }));
    const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', '--loglevel=error'];
    const installed = spawnSync('npm', ['install', ...flags], { cwd: project.folder, encoding: 'utf8' });
    expect(installed.stderr).toBe('');
    expect(installed.status).toBe(0);
    return project;
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(`${this.folder}/${name}`, text);
  }

  /** A program of the project, on one of its versions of Node. */
  start(
    node: string,
    args: readonly string[],
    variables: Readonly<Record<string, string>> = {},
  ): ChildProcess {
    return spawn(`${this.folder}/node_modules/${node}/bin/node`, args, {
      cwd: this.folder,
      env: { JWT_SECRET, PORT: '0', SHUTDOWN_DELAY_MS: '0', ...variables },
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true });
  }
}

/** The path of the tarball that `npm run package` made. */
async function tarball(): Promise<string> {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { readonly version: string };
  return `dist/secureconnect-gateway-${version}.tgz`;
}

/** Everything that a program wrote, and its exit code. */
async function endOf(program: ChildProcess): Promise<{ readonly code: number; readonly stderr: string }> {
  let stderr = '';
  program.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(program, 'close')) as [number];
  return { code, stderr };
}

/** Runs a gateway until it has carried a GET and a POST; then ends it by SIGTERM. */
async function useGateway(project: Project, node: string, file: string): Promise<void> {
  await using service = await startService((request, response) => void request.pipe(response));
  const program = project.start(node, [file], { SERVICE: service.url });
  const end = endOf(program);
  let port: number | undefined;
  for await (const line of createInterface(program.stdout!)) {
    const fields = JSON.parse(line) as { readonly message: string; readonly port: number };
    if (fields.message !== 'listening') continue;
    ({ port } = fields);
    break;
  }
  // The rest of the log.
  program.stdout!.resume();
  if (port === undefined) throw new Error((await end).stderr);
  const got = await ask({ port }, { path: '/orders/7' });
  const posted = await ask({ port }, { method: 'POST', path: '/orders/7', body: 'two apples' });
  program.kill('SIGTERM');

  expect(got).toMatchObject({ status: 200, body: '' });
  expect(posted).toMatchObject({ status: 200, body: 'two apples' });
  expect(await end).toEqual({ code: 0, stderr: '' });
}

/** Checks the types of the project, those of the package included. */
function typesOf(project: Project): string {
  const flags =
    '--noEmit --strict --exactOptionalPropertyTypes --experimentalDecorators --emitDecoratorMetadata';
  const options = `${flags} --target es2023 --module nodenext --skipLibCheck false --types node`.split(' ');
  const compiler = [`${process.cwd()}/node_modules/typescript/bin/tsc`, ...options, 'typed.ts'];
  return spawnSync(process.execPath, compiler, { cwd: project.folder, encoding: 'utf8' }).stdout;
}

describe('the package with Nest 12', () => {
  let project: Project;
  beforeAll(async () => {
    const { node20, node24, node26 } = NODES;
    const nodes = { node20: nodeAt(node20), node24: nodeAt(node24), node26: nodeAt(node26) };
    project = await Project.install('module', { ...NEST_12, ...nodes });
    await project.write('main.js', IMPORTS + APPLICATION);
    await project.write('main.cjs', REQUIRES + APPLICATION);
    await project.write('typed.ts', TYPED);
  }, 120_000);
  afterAll(() => project[Symbol.asyncDispose]());

  it.each([
    ['node24', 'main.js'],
    ['node24', 'main.cjs'],
    ['node26', 'main.js'],
    ['node26', 'main.cjs'],
  ])('runs a gateway on %s from %s', async (node, file) => {
    await useGateway(project, node, file);
  });

  it('has types that compile', () => {
    expect(typesOf(project)).toBe('');
  });

  it.each(['main.js', 'main.cjs'])('says in one line which Node it needs, to %s', async (file) => {
    const { code, stderr } = await endOf(project.start('node20', [file]));

    expect(stderr).toContain(
      `\n[Error: @secureconnect/gateway needs Node ^22.21 || ^24.9 || >=26, and this is Node ${NODES.node20}.]\n`,
    );
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(1);
  });

  it('says so by its command, without anything else', async () => {
    const command = 'node_modules/@secureconnect/gateway/bin/gateway.cjs';

    expect(await endOf(project.start('node20', [command]))).toEqual({
      code: 78,
      stderr: `@secureconnect/gateway needs Node ^22.21 || ^24.9 || >=26, and this is Node ${NODES.node20}.\n`,
    });
  });
});

describe('the package with Nest 11', () => {
  let project: Project;
  beforeAll(async () => {
    project = await Project.install('commonjs', { ...NEST_11, node22: nodeAt(NODES.node22) });
    await project.write('main.mjs', IMPORTS + APPLICATION);
    await project.write('main.js', REQUIRES + APPLICATION);
    await project.write('typed.ts', TYPED);
  }, 120_000);
  afterAll(() => project[Symbol.asyncDispose]());

  it.each(['main.js', 'main.mjs'])('runs a gateway on Node 22 from %s', async (file) => {
    await useGateway(project, 'node22', file);
  });

  it('has types that compile', () => {
    expect(typesOf(project)).toBe('');
  });
});
