import { execFile } from 'node:child_process';
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { runServer } from 'verdaccio';
import { startGateway } from '../support/gateway.js';
import { describeWith } from '../support/requirements.js';
import { startService } from '../support/service.js';

@Upstream({
  name: 'packages-service',
  instances: ['http://127.0.0.1:4873'],
  routes: [
    {
      methods: ['GET', 'PUT', 'POST', 'DELETE'],
      path: '/npm/{*path}',
      strip: '/npm',
      // npm has accounts and tokens of its own, and sends them in `Authorization`.
      auth: 'none',
      allowedInPath: ['encodedSlash'],
      bodyLimitBytes: 104_857_600,
    },
  ],
})
class PackagesUpstream {}

@Module({ providers: [PackagesUpstream] })
class PackagesModule {}

/** A registry whose packages are in a folder, without another registry behind it. */
async function startRegistry(folder: string): ReturnType<typeof startService> {
  const app: { listeners(event: 'request'): RequestListener[] } = await runServer({
    self_path: join(folder, 'config.yaml'),
    storage: join(folder, 'storage'),
    url_prefix: '/npm/',
    auth: { htpasswd: { file: join(folder, 'htpasswd'), algorithm: 'bcrypt', rounds: 1 } },
    uplinks: {},
    packages: { '**': { access: '$all', publish: '$authenticated' } },
    log: { type: 'stdout', format: 'json', level: 'fatal' },
  });
  const [listener] = app.listeners('request');
  return startService(listener!);
}

/** Creates an account as `npm login` does, for its token. */
async function register(registry: string): Promise<string> {
  const response = await fetch(`${registry}-/user/org.couchdb.user:ada`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'ada', password: 'correct horse battery' }),
  });
  return ((await response.json()) as { readonly token: string }).token;
}

async function npm(cwd: string, ...commands: string[]): Promise<void> {
  const env = {
    // Nothing of an npm that runs the tests.
    PATH: process.env['PATH'],
    HOME: join(cwd, '..'),
    npm_config_audit: 'false',
    npm_config_update_notifier: 'false',
  };
  await promisify(execFile)('npm', commands, { cwd, env });
}

const MANIFEST = { name: '@team/tool', version: '1.0.0', license: 'MIT', main: 'index.js' };

// Starts npm, which comes with Node.
describeWith(true)('npm', () => {
  it('publishes a scoped package, tags it, and installs it', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'npm-'));
    await using service = await startRegistry(folder.path);
    await using gateway = await startGateway({
      modules: [PackagesModule],
      env: { PACKAGES_SERVICE_URL: service.url },
    });
    const paths: string[] = [];
    service.server.prependListener('request', ({ method, url }) => void paths.push(`${method} ${url}`));
    const registry = `${gateway.url}/npm/`;
    const at = (name: string): string => join(folder.path, name);
    const write = (name: string, text: string): Promise<void> => writeFile(at(name), text);
    await mkdir(at('tool'));
    await mkdir(at('app'));
    await write('tool/package.json', JSON.stringify(MANIFEST));
    await write('tool/index.js', 'module.exports = 7;');
    await write('app/package.json', '{}');
    const token = await register(registry);
    await write('.npmrc', `registry=${registry}\n//127.0.0.1:${gateway.port}/npm/:_authToken=${token}\n`);

    await npm(at('tool'), 'publish', '--access', 'public');
    await npm(at('tool'), 'dist-tag', 'add', '@team/tool@1.0.0', 'stable');
    // An empty cache: that of the publisher has the package.
    await npm(at('app'), 'install', '@team/tool@stable', '--cache', at('cache'));

    expect(await readFile(at('app/node_modules/@team/tool/index.js'), 'utf8')).toBe('module.exports = 7;');
    const lock = JSON.parse(await readFile(at('app/package-lock.json'), 'utf8')) as {
      readonly packages: Record<string, { readonly resolved?: string }>;
    };
    expect(lock.packages['node_modules/@team/tool']!.resolved).toBe(`${registry}@team/tool/-/tool-1.0.0.tgz`);
    expect(paths).toEqual(
      expect.arrayContaining(['PUT /@team%2ftool', 'GET /@team%2ftool', 'GET /@team/tool/-/tool-1.0.0.tgz']),
    );
  }, 60_000);
});
