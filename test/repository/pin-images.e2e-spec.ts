import { execFile, spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { freePort } from '../support/free-port.mjs';
import { describeWithRegistry, ImageRegistry } from '../support/image-registry.js';
import { describeWithBuild } from '../support/requirements.js';
import { startService } from '../support/service.js';

const OVERLAY = 'compose.digests.yml';
const COMPOSE = 'docker-compose.yml';

/** The images of docker-compose.yml that are not built here, by service. */
const IMAGES: Readonly<Record<string, string>> = {
  nginx: 'NGINX',
  redis: 'REDIS',
  prometheus: 'PROMETHEUS',
  alertmanager: 'ALERTMANAGER',
  grafana: 'GRAFANA',
  'redis-exporter': 'REDIS_EXPORTER',
};
const GATEWAYS = ['api-gateway', 'api-gateway-2'];
const SERVICES = ['auth-service', 'chat-service', 'video-service', 'storage-service'];

type Services = Readonly<Record<string, object>>;

/** A folder in which the script runs as in the product's own. */
class Project implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  /** With the product's files. */
  static async ofProduct(): Promise<Project> {
    const project = new Project(await mkdtemp(join(tmpdir(), 'gateway-pin-')));
    for (const file of [COMPOSE, 'Dockerfile']) await cp(file, project.path(file));
    return project;
  }

  /** With a service for each image. */
  static async of(...images: readonly string[]): Promise<Project> {
    const project = new Project(await mkdtemp(join(tmpdir(), 'gateway-pin-')));
    const services = Object.fromEntries(images.map((image, index) => [`s${index}`, { image }]));
    await writeFile(project.path(COMPOSE), stringify({ services }));
    return project;
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  /** @param registry of images whose names have none @returns the lines of its standard error, if it fails */
  pin(registry = ''): Promise<string[]> {
    const script = resolve('scripts/pin-images.mjs');
    const env = { ...process.env, IMAGE_REGISTRY: registry };
    return new Promise((done) => {
      execFile(process.execPath, [script], { cwd: this.folder, env }, (error, _stdout, stderr) =>
        done(error ? stderr.trim().split('\n  ') : []),
      );
    });
  }

  async overlay(): Promise<Services> {
    return (parse(await readFile(this.path(OVERLAY), 'utf8')) as { services: Services }).services;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

/** Pushes an image for each variable of a project, and sets it. @returns each one with its digest */
async function pushAll(registry: ImageRegistry, project: Project): Promise<Record<string, string>> {
  const pinned: Record<string, string> = {};
  const lines: string[] = [];
  for (const name of [...Object.values(IMAGES), 'NODE', 'CHAT_SERVICE']) {
    const path = `team/${name.toLowerCase()}`;
    lines.push(`${name}_IMAGE=${registry.host}/${path}:1.2`);
    pinned[name] = `${registry.host}/${path}:1.2@${await registry.push(path, '1.2')}`;
  }
  await writeFile(project.path('.env'), lines.join('\n'));
  return pinned;
}

describeWithRegistry('npm run pin-images', () => {
  it('writes an overlay with the digest of every image, and of what is built here those that it is built from', async () => {
    await using registry = await ImageRegistry.start();
    await using project = await Project.ofProduct();
    const pinned = await pushAll(registry, project);

    expect(await project.pin()).toEqual([]);

    const built = [...GATEWAYS, ...SERVICES.filter((name) => name !== 'chat-service')];
    expect(await project.overlay()).toEqual({
      ...Object.fromEntries(Object.entries(IMAGES).map(([name, of]) => [name, { image: pinned[of] }])),
      ...Object.fromEntries(built.map((name) => [name, { build: { args: { NODE_IMAGE: pinned['NODE'] } } }])),
      // Set to an image of a team's own.
      'chat-service': { image: pinned['CHAT_SERVICE'] },
    });
    const files = ['--compose', COMPOSE, '--compose', project.path(OVERLAY), '--env', project.path('.env')];
    const doctor = spawnSync(process.execPath, ['scripts/gateway.mjs', 'doctor', ...files], {
      encoding: 'utf8',
    });
    expect([doctor.status, doctor.stderr]).toEqual([0, '']);
  });

  it('takes the digest that the tag has now, and leaves one that is there', async () => {
    await using registry = await ImageRegistry.start();
    const image = `${registry.host}/team/image:1`;
    const digest = await registry.push('team/image', '1');
    await using project = await Project.of(image, `${registry.host}/gone/image@sha256:${'0'.repeat(64)}`);

    expect(await project.pin()).toEqual([]);
    const before = await project.overlay();
    const next = await registry.push('team/image', '1', 'changed');
    expect(await project.pin()).toEqual([]);

    expect(before).toEqual({
      s0: { image: `${image}@${digest}` },
      s1: { image: `${registry.host}/gone/image@sha256:${'0'.repeat(64)}` },
    });
    expect(next).not.toBe(digest);
    expect(await project.overlay()).toMatchObject({ s0: { image: `${image}@${next}` } });
  });

  it('asks the registry that it is told of for names without one', async () => {
    await using registry = await ImageRegistry.start();
    const digest = await registry.push('library/image', '1');
    await using project = await Project.of('image:1');

    expect(await project.pin(registry.host)).toEqual([]);
    expect(await project.overlay()).toEqual({ s0: { image: `image:1@${digest}` } });
    expect(await project.pin()).toContain(
      'image:1: names no registry: set IMAGE_REGISTRY to the one that Docker uses',
    );
  });

  it('gets itself the token that a registry gives everybody', async () => {
    await using registry = await ImageRegistry.start({ asksForTokens: true });
    const digest = await registry.push('team/image', '1');
    await using project = await Project.of(`${registry.host}/team/image:1`);
    await using other = await Project.of(`${registry.host}/team/secret:1`);

    expect(await project.pin()).toEqual([]);
    expect(await project.overlay()).toEqual({ s0: { image: `${registry.host}/team/image:1@${digest}` } });
    expect(await other.pin()).toContain(
      `${registry.host}/team/secret:1: ${registry.host} responded with 401`,
    );
  });

  it('writes nothing unless every image has a digest', async () => {
    await using registry = await ImageRegistry.start();
    await registry.push('team/image', '1');
    const nowhere = `127.0.0.1:${await freePort()}`;
    const [missing, unreachable] = [`${registry.host}/team/image:2`, `${nowhere}/team/image:1`];
    await using project = await Project.of(`${registry.host}/team/image:1`, missing, unreachable);
    await writeFile(project.path(OVERLAY), 'as it was');

    expect((await project.pin()).toSorted()).toEqual(
      [
        `${OVERLAY} was not written`,
        ...[
          `${missing}: ${registry.host} responded with 404`,
          `${unreachable}: ${nowhere} did not respond: connect ECONNREFUSED ${nowhere}`,
        ].toSorted(),
      ].toSorted(),
    );
    expect(await readFile(project.path(OVERLAY), 'utf8')).toBe('as it was');
  });
});

describeWithBuild('npm run pin-images', () => {
  const TYPE = 'application/vnd.oci.image.manifest.v1+json';
  const DIGEST = `sha256:${'0'.repeat(64)}`;

  it.each<[string, RequestListener, string]>([
    [
      'other bytes than their digest says',
      (_, response) => {
        response.setHeader('Content-Type', TYPE).setHeader('Docker-Content-Digest', DIGEST).end('{}');
      },
      `sent other bytes than those of ${DIGEST}`,
    ],
    [
      'a page',
      (_, response) => void response.setHeader('Content-Type', 'text/html').end('Log in'),
      'sent text/html, which is no manifest',
    ],
    [
      'more than a manifest has',
      (_, response) => {
        response.setHeader('Content-Type', TYPE);
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536)));
          if (!response.destroyed) response.once('drain', more);
        };
        more();
      },
      'sent more than 4194304 bytes',
    ],
    [
      'a demand for a password',
      (_, response) => void response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="team"' }).end(),
      'needs a password',
    ],
  ])('takes no digest of a registry that sends %s', async (_what, listener, message) => {
    await using registry = await startService(listener);
    const image = `127.0.0.1:${registry.port}/team/image:1`;
    await using project = await Project.of(image);

    const [, reason] = await project.pin();

    expect(reason).toMatch(new RegExp(`^${image}: .*${message}$`));
  });

  it('asks no registry for an invalid image name', async () => {
    const names = ['team/../image', 'host.example/', 'a:b:c', 'image:', 'UPPER', `a:${'t'.repeat(129)}`];
    await using project = await Project.of(...names);

    const [, ...reasons] = await project.pin();

    expect(reasons.toSorted()).toEqual(names.map((name) => `${name}: is not a valid image name`).toSorted());
  });

  it('writes a file that is not committed, and no digest is', async () => {
    const read = (file: string): Promise<string> => readFile(file, 'utf8');
    const committed = await Promise.all([COMPOSE, '.env.example', 'Dockerfile'].map(read));

    expect((await read('.gitignore')).split('\n')).toContain(OVERLAY);
    expect(committed.join('')).not.toContain('@sha256:');
  });
});
