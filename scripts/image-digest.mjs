// Asks a registry which digest a tag of an image has now: the HTTP API of the OCI distribution specification.
import { createHash } from 'node:crypto';

/** Milliseconds for each request. */
const TIMEOUT_MS = 20_000;

/** Bytes of a manifest; the specification demands that registries take that much, and few take more. */
const MANIFEST_MAX_BYTES = 4 * 1024 * 1024;

/** An index, which names an image for each architecture, before a single image. */
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
 * `[HOST/]NAME[:TAG]` in parts, as Docker reads it.
 *
 * @param registry the host of names without one; empty if it is not known
 * @throws Error if it is none
 */
function parseReference(image, registry) {
  const slash = image.indexOf('/');
  const first = image.slice(0, Math.max(slash, 0));
  const hasHost = /[.:]/.test(first) || first === 'localhost';
  const path = hasHost ? image.slice(slash + 1) : image;
  const [name, tag = 'latest', ...more] = path.split(':');
  if (!NAME.test(name) || !TAG.test(tag) || more.length > 0) throw new Error('is no name of an image');
  if (hasHost) return { host: first, name, tag };
  if (registry === '') throw new Error('names no registry: IMAGE_REGISTRY says which one Docker asks');
  return { host: registry, name: name.includes('/') ? name : `library/${name}`, tag };
}

/**
 * The digest of what a tag names now, by the bytes that the registry sent. It asks without a password.
 *
 * @param image as Docker reads it; of this machine, it is asked for over HTTP, else over HTTPS
 * @param registry the host of names without one
 * @returns `sha256:` and 64 hexadecimal digits
 * @throws Error with the reason, if there is none
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

/** A token for everybody, from the server that a registry names. */
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
