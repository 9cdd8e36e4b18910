import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { startService, type PlayedService } from './service.js';

/** The keys that the service knows. */
export const S3_KEYS = { accessKeyId: 'ada', secretAccessKey: 'correct horse battery' };

/**
 * A service with S3's objects in memory, for requests in path style. It demands a signature (AWS Signature Version 4) of the
 * path, the query and the headers exactly as they arrive: a request of which anything changed on the way is 403.
 */
export async function startS3(): Promise<PlayedService> {
  const objects = new Map<string, Buffer>();
  return startService(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const sent = Buffer.concat(chunks);
    if (isSigned(request)) respond(objects, request, sent, response);
    else response.writeHead(403).end('<Error><Code>SignatureDoesNotMatch</Code></Error>');
  });
}

function isSigned(request: IncomingMessage): boolean {
  const parts = /Credential=ada\/(\S+), SignedHeaders=(\S+), Signature=(\w+)/.exec(
    request.headers.authorization ?? '',
  );
  if (!parts) return false;
  const [, scope, names, signature] = parts as unknown as [string, string, string, string];
  const [path, query = ''] = request.url!.split('?');
  const header = (name: string): string => String(request.headers[name]).trim();
  const canonical = [
    request.method,
    path,
    query.split('&').toSorted().join('&'),
    ...names.split(';').map((name) => `${name}:${header(name)}`),
    '',
    names,
    header('x-amz-content-sha256'),
  ].join('\n');
  const hash = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', header('x-amz-date'), scope, hash].join('\n');
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${S3_KEYS.secretAccessKey}`);
  return hmac(key, text).toString('hex') === signature;
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

function respond(
  objects: Map<string, Buffer>,
  request: IncomingMessage,
  sent: Buffer,
  response: ServerResponse,
): void {
  const key = decodeURIComponent(request.url!.split('?')[0]!.split('/').slice(2).join('/'));
  const bytes = objects.get(key);
  if (request.method === 'PUT') {
    objects.set(key, request.headers['content-encoding']?.includes('aws-chunked') ? unchunk(sent) : sent);
    response.end();
  } else if (key === '') {
    response.end(`<ListBucketResult>${[...objects.keys()].map(toContents).join('')}</ListBucketResult>`);
  } else if (request.method === 'DELETE') {
    objects.delete(key);
    response.writeHead(204).end();
  } else if (!bytes) {
    response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
  } else {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    response.writeHead(from ? 206 : 200).end(from ? bytes.subarray(Number(from), Number(to) + 1) : bytes);
  }
}

const toContents = (key: string): string => `<Contents><Key>${encodeURIComponent(key)}</Key></Contents>`;

/** The bytes of a body with `Content-Encoding: aws-chunked`, without its trailer. */
function unchunk(sent: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const end = sent.indexOf('\r\n', at);
    const size = parseInt(sent.toString('latin1', at, end), 16);
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(sent.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
