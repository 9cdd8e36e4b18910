// Asks a registry for the current digest of an image's tag, over the HTTP API of the OCI distribution specification.
import { createHash } from 'node:crypto';

/** Timeout of each request, in milliseconds. */
const TIMEOUT_MS = 20_000;

/** Most bytes of a manifest. The specification demands that registries accept this size, and few accept more. */
const MANIFEST_MAX_BYTES = 4 * 1024 * 1024;

/**
 * Accepted types, in order of preference: an index, which names an image for each architecture, before a single image.
 */
const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

const NAME = /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/;

/**
 * Parses `[HOST/]NAME[:TAG]` as Docker does.
 *
 * @param registry the host for names without a host; empty if unknown
 * @throws Error if the name is invalid, or has no host and `registry` is empty
 */
function parseReference(image, registry) {
  const slash = image.indexOf('/');
  const first = image.slice(0, Math.max(slash, 0));
  const hasHost = /[.:]/.test(first) || first === 'localhost';
  const path = hasHost ? image.slice(slash + 1) : image;
  const [name, tag = 'latest', ...more] = path.split(':');
  if (!NAME.test(name) || !TAG.test(tag) || more.length > 0) throw new Error('is not a valid image name');
  if (hasHost) return { host: first, name, tag };
  if (registry === '') throw new Error('names no registry: set IMAGE_REGISTRY to the one that Docker uses');
  return { host: registry, name: name.includes('/') ? name : `library/${name}`, tag };
}

/**
 * Computes the current digest of an image's tag from the manifest that the registry sends. Uses no password.
 *
 * @param image name in Docker's form. Registries on this machine are asked over HTTP, all others over HTTPS
 * @param registry the host for names without a host. Default: unknown
 * @returns `sha256:` and 64 hexadecimal digits
 * @throws Error with the reason, if the registry gives no valid manifest
 */
export async function readDigest(image, registry = '') {
  const { host, name, tag } = parseReference(image, registry);
  const url = `${LOOPBACK.test(host) ? 'http' : 'https'}://${host}/v2/${name}/manifests/${tag}`;
  const headers = { Accept: MANIFEST_TYPES.join(', ') };
  let response = await request(url, headers);
  if (response.status === 401) {
    await response.body?.cancel();
    headers.Authorization = `Bearer ${await readToken(response.headers.get('WWW-Authenticate'))}`;
    response = await request(url, headers);
  }
  const bytes = await readBody(response, host);
  const type = response.headers.get('Content-Type')?.split(';')[0];
  if (!MANIFEST_TYPES.includes(type)) throw new Error(`${host} sent ${type}, which is no manifest`);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const named = response.headers.get('Docker-Content-Digest') ?? digest;
  if (named !== digest) throw new Error(`${host} sent other bytes than those of ${named}`);
  return digest;
}

/** Gets a token for anonymous access from the server that the registry's challenge names. */
async function readToken(challenge) {
  const [scheme] = (challenge ?? '').split(' ', 1);
  const { realm, ...parameters } = Object.fromEntries(
    [...(challenge ?? '').matchAll(/\b(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
  );
  if (scheme.toLowerCase() !== 'bearer' || !URL.canParse(realm)) throw new Error('needs a password');
  const url = new URL(realm);
  for (const key of ['service', 'scope']) if (parameters[key]) url.searchParams.set(key, parameters[key]);
  const { token, access_token } = JSON.parse(await readBody(await request(url), url.host));
  return token ?? access_token;
}

async function request(url, headers = {}) {
  try {
    return await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new Error(`${new URL(url).host} did not respond: ${error.cause?.message ?? error.message}`, {
      cause: error,
    });
  }
}

async function readBody(response, host) {
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${host} responded with ${response.status}`);
  }
  const chunks = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > MANIFEST_MAX_BYTES) throw new Error(`${host} sent more than ${MANIFEST_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
