import { createRequire } from 'node:module';

// A private part of Node: its public client gives each response a stream, and a million of them take minutes.
const { HTTPParser } = createRequire(import.meta.url)('_http_common');

/** What Node's parser makes of the bytes of a connection: its first whole response; undefined if there is none. */
export function parseByNode(bytes, isHead, limitBytes) {
  const found = { interim: [], head: undefined, body: '', trailers: [], isWhole: false };
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.RESPONSE, {}, limitBytes * 4, 0);
  let fields = [];
  parser[HTTPParser.kOnHeaders] = (more) => fields.push(...more);
  parser[HTTPParser.kOnHeadersComplete] = (major, minor, headers, method, url, status, phrase, upgrade) => {
    if (found.isWhole) return 0;
    const all = [...fields, ...(headers ?? [])];
    fields = [];
    if (upgrade) throw new Error('upgrade');
    if (status < 200) {
      found.interim.push(status);
      return 1;
    }
    found.head = { status, phrase, headers: all };
    return isHead ? 1 : 0;
  };
  parser[HTTPParser.kOnBody] = (chunk) => {
    if (!found.isWhole) found.body += chunk.toString('latin1');
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    if (!found.head || found.isWhole) return;
    found.isWhole = true;
    found.trailers = fields;
    fields = [];
  };
  try {
    const result = parser.execute(bytes);
    if (!(result instanceof Error)) parser.finish();
  } catch {
    // A callback has refused the response.
  }
  parser.close();
  if (!found.isWhole) return undefined;
  const { interim, head, body, trailers } = found;
  return { interim, ...head, body, trailers };
}
