import { posix } from 'node:path';
import type { ComposeService } from './service.js';

interface Image {
  readonly names: readonly string[];
  readonly programs: readonly string[];
  /** The ports that the image listens on by default. */
  readonly ports: readonly number[];
}

const SHELL = ['sh', 'test', '[', 'cat', 'echo', 'grep', 'true', 'kill'];

/** Programs and ports of common images beside a gateway, as published in 2026. */
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

/** Programs of Alpine's busybox. */
const BUSYBOX = ['wget', 'nc'];

const PROGRAM_FOLDER = /^(?:\/usr(?:\/local)?)?\/s?bin\//;

/** Programs of Node's image on a full Debian. */
const DEBIAN_TOOLS = ['curl', 'wget'];

/** Whether a service's image has a program; undefined if the image is unknown. */
export function hasProgram(service: ComposeService, program: string): boolean | undefined {
  const image = imageOf(service);
  if (!image) return undefined;
  // A script may be in any folder, or mounted.
  if (program.includes('/') && !PROGRAM_FOLDER.test(program)) return undefined;
  const name = posix.basename(program);
  const tag = imageTag(service.baseImage);
  const isFull = image.names.includes('node') && !tag.includes('slim') && !tag.includes('alpine');
  return [
    ...SHELL,
    ...image.programs,
    ...(tag.includes('alpine') ? BUSYBOX : []),
    ...(isFull ? DEBIAN_TOOLS : []),
    // A RUN may have installed any program that it names.
    ...(service.stage?.runWords ?? []),
  ].includes(name);
}

/** The ports that the image listens on by default. */
export function portsOf(service: ComposeService): readonly number[] {
  return imageOf(service)?.ports ?? [];
}

/** Not so for exporters whose image names begin with `nginx`. */
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

/** The tag of an image: `1.29-alpine` of `registry.example.com:5000/nginx:1.29-alpine`. */
function imageTag(image: string): string {
  return lastPart(image).split(':')[1] ?? '';
}

const lastPart = (image: string): string => posix.basename(image.split('@')[0]!);
