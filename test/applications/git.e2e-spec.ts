import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { describeWith } from '../support/requirements.js';
import { startService, type PlayedService } from '../support/service.js';

@Upstream({
  name: 'repositories-service',
  instances: ['http://127.0.0.1:8080'],
  routes: [{ methods: ['GET', 'POST'], path: '/git/*path', strip: '/git', bodyLimitBytes: 1_073_741_824 }],
})
class RepositoriesUpstream {}

@Module({ providers: [RepositoriesUpstream] })
class RepositoriesModule {}

/** A server of the repositories in a folder, by git's own CGI program. */
function startRepositories(folder: string): Promise<PlayedService> {
  return startService((request, response) => respondByGit(folder, request, response));
}

/** Responds as CGI demands it (RFC 3875). */
function respondByGit(folder: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url!, 'http://localhost');
  const { headers } = request;
  const program = spawn('git', ['http-backend'], {
    env: {
      ...process.env,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: headers['git-protocol'] as string,
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: headers['content-type'] ?? '',
      CONTENT_LENGTH: headers['content-length'] ?? '',
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  program.stdin.on('error', () => {});
  request.pipe(program.stdin);
  let head = '';
  program.stdout.on('data', function read(chunk: Buffer) {
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    program.stdout.off('data', read);
    const fields = head
      .slice(0, end)
      .split('\r\n')
      .map((line) => line.split(': ') as [string, string]);
    const status = fields.find(([name]) => name === 'Status')?.[1] ?? '200';
    response.writeHead(parseInt(status, 10), fields.filter(([name]) => name !== 'Status').flat());
    response.write(Buffer.from(head.slice(end + 4), 'latin1'));
    program.stdout.pipe(response);
  });
}

const GIT_ENV = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};

async function git(cwd: string, ...commands: string[]): Promise<string> {
  const token = `http.extraHeader=Authorization: ${bearer().Authorization}`;
  const { stdout } = await promisify(execFile)('git', ['-c', token, ...commands], { cwd, env: GIT_ENV });
  return stdout.trim();
}

function hasGit(): boolean {
  try {
    return (
      execFileSync('git', ['http-backend'], { stdio: 'pipe', env: { ...process.env, PATH_INFO: '' } }) !==
      null
    );
  } catch (error) {
    return (error as { status?: number }).status !== undefined;
  }
}

const startRepositoriesGateway = (url: string): Promise<RunningGateway> =>
  startGateway({ modules: [RepositoriesModule], env: { REPOSITORIES_SERVICE_URL: url } });

describeWith(hasGit())('git', () => {
  it('clones, pushes more than it sends in one piece, and fetches', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'git-'));
    const at = (name: string): string => join(folder.path, name);
    await git(folder.path, 'init', '-q', '--bare', '-b', 'main', 'team.git');
    await git(at('team.git'), 'config', 'http.receivepack', 'true');
    await using service = await startRepositories(folder.path);
    await using gateway = await startRepositoriesGateway(service.url);
    const url = `${gateway.url}/git/team.git`;
    await git(folder.path, 'clone', '-q', url, 'ada');
    // Past `http.postBuffer` of 1 MiB git asks first, then pushes in chunks.
    const bytes = randomBytes(3_000_000);
    await writeFile(at('ada/bytes'), bytes);
    await git(at('ada'), 'add', '.');
    await git(at('ada'), 'commit', '-q', '-m', 'first');
    await git(at('ada'), 'push', '-q', 'origin', 'HEAD:main');

    await git(folder.path, 'clone', '-q', url, 'bob');
    await writeFile(at('ada/name'), 'Ada');
    await git(at('ada'), 'add', '.');
    await git(at('ada'), 'commit', '-q', '-m', 'second');
    await git(at('ada'), 'push', '-q', 'origin', 'HEAD:main');
    await git(at('bob'), 'pull', '-q');

    expect((await readFile(at('bob/bytes'))).equals(bytes)).toBe(true);
    expect(await readFile(at('bob/name'), 'utf8')).toBe('Ada');
    expect(await git(at('bob'), 'ls-remote', 'origin', 'main')).toContain(
      await git(at('ada'), 'rev-parse', 'HEAD'),
    );
  }, 60_000);

  it('is refused without a token', async () => {
    await using gateway = await startRepositoriesGateway('http://127.0.0.1:9');

    const asked = promisify(execFile)('git', ['ls-remote', `${gateway.url}/git/team.git`], { env: GIT_ENV });

    await expect(asked).rejects.toThrow(/could not read Username|Authentication failed/);
  });
});
