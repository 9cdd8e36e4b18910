import { posix } from 'node:path';
import type { ComposeService } from './service.js';

interface Image {
  readonly names: readonly string[];
  readonly programs: readonly string[];
  /** What the image listens on, where nothing says otherwise. */
  readonly ports: readonly number[];
}

const SHELL = ['sh', 'test', '[', 'cat', 'echo', 'grep', 'true', 'kill'];

/** As published in 2026, for the checks of the images that people put beside a gateway. */
const IMAGES: readonly Image[] = [
  { names: ['node'], programs: ['node', 'npm', 'npx'], ports: [] },
  { names: ['debian', 'ubuntu'], programs: [], ports: [] },
  { names: ['nginx', 'nginx-unprivileged'], programs: ['nginx', 'curl'], ports: [80] },
  { names: ['redis'], programs: ['redis-cli', 'redis-server'], ports: [6379] },
  { names: ['valkey'], programs: ['valkey-cli', 'valkey-server', 'redis-cli'], ports: [6379] },
  { names: ['prometheus'], programs: ['wget', 'promtool'], ports: [9090] },
  { names: ['alertmanager'], programs: ['wget', 'amtool'], ports: [9093] },
  { names: ['node-exporter'], programs: ['wget'], ports: [9100] },
  { names: ['grafana', 'grafana-oss'], programs: ['wget', 'curl'], ports: [3000] },
  { names: ['postgres'], programs: ['pg_isready', 'psql'], ports: [5432] },
];

/** Alpine's busybox. */
const BUSYBOX = ['wget', 'nc'];

const PROGRAM_FOLDER = /^(?:\/usr(?:\/local)?)?\/s?bin\//;

/** Images with the tools of a full Debian. */
const DEBIAN_TOOLS = ['curl', 'wget'];

/** Whether a service's image has a program; undefined where the image is not known. */
export function hasProgram(service: ComposeService, program: string): boolean | undefined {
  const image = imageOf(service);
  if (!image) return undefined;
  // A script may be anywhere, and mounted.
  if (program.includes('/') && !PROGRAM_FOLDER.test(program)) return undefined;
  const name = posix.basename(program);
  const tag = imageTag(service.baseImage);
  const isFull = image.names.includes('node') && !tag.includes('slim') && !tag.includes('alpine');
  return [
    ...SHELL,
    ...image.programs,
    ...(tag.includes('alpine') ? BUSYBOX : []),
    ...(isFull ? DEBIAN_TOOLS : []),
    // What a RUN names may have been installed by it.
    ...(service.stage?.runWords ?? []),
  ].includes(name);
}

/** The ports that the image listens on by itself. */
export function portsOf(service: ComposeService): readonly number[] {
  return imageOf(service)?.ports ?? [];
}

/** An exporter that is published under nginx's name is none. */
export function isNginxImage(image: string): boolean {
  return ['nginx', 'nginx-unprivileged', 'openresty'].includes(imageName(image));
}

export function isRedisImage(image: string): boolean {
  return ['redis', 'valkey', 'redis-stack-server', 'keydb'].includes(imageName(image));
}

function imageOf(service: ComposeService): Image | undefined {
  const name = imageName(service.baseImage);
  return IMAGES.find(({ names }) => names.includes(name));
}

/** The last name of an image's repository: `nginx` of `docker.io/library/nginx:1.29`. */
function imageName(image: string): string {
  return lastPart(image).split(':')[0]!;
}

/** Its version: `1.29-alpine` of `registry.example.com:5000/nginx:1.29-alpine`. */
function imageTag(image: string): string {
  return lastPart(image).split(':')[1] ?? '';
}

const lastPart = (image: string): string => posix.basename(image.split('@')[0]!);
