import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';

type RecordType = 'A' | 'AAAA';

/** `failing` responds with SERVFAIL. */
type Mood = 'answering' | 'failing' | 'silent';

const TYPES: ReadonlyMap<number, RecordType> = new Map([
  [1, 'A'],
  [28, 'AAAA'],
]);
const HEADER_BYTES = 12;
const NOERROR = 0;
const SERVFAIL = 2;
const NXDOMAIN = 3;

/** A DNS server over UDP on a free port of 127.0.0.1 (RFC 1035). Names that `records` lacks get NXDOMAIN. */
export class DnsServer implements AsyncDisposable {
  /** IPv4 and IPv6 addresses by name in lower case, in the order of the response. May be changed at any time. */
  readonly records = new Map<string, readonly string[]>();
  /** The time to live of all records, in seconds. */
  ttlSeconds = 60;
  /** All queries so far, one for each type, repeated ones included. */
  questions = 0;
  private readonly moods: Record<RecordType, Mood> = { A: 'answering', AAAA: 'answering' };
  private readonly socket = createSocket('udp4');

  private constructor() {
    this.socket.on('message', (query, peer) => {
      this.questions++;
      this.answer(query, peer);
      this.socket.emit('question');
    });
  }

  static async start(records: Readonly<Record<string, readonly string[]>> = {}): Promise<DnsServer> {
    const server = new DnsServer();
    for (const [name, addresses] of Object.entries(records)) server.records.set(name, addresses);
    server.socket.bind(0, '127.0.0.1');
    await once(server.socket, 'listening');
    return server;
  }

  /** `ip:port` */
  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`;
  }

  /** Sets the behaviour for further queries of this type, or of all types. */
  be(mood: Mood, types: readonly RecordType[] = ['A', 'AAAA']): void {
    for (const type of types) this.moods[type] = mood;
  }

  /** Resolves with the next query, after its response if it gets one. */
  async asked(): Promise<void> {
    await once(this.socket, 'question');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.socket, 'close');
    this.socket.close();
    await closed;
  }

  private answer(query: Buffer, peer: RemoteInfo): void {
    const { name, type, end } = questionOf(query);
    const mood = type ? this.moods[type] : 'answering';
    if (mood === 'silent') return;
    const known = this.records.get(name);
    const addresses =
      mood === 'failing' ? [] : (known ?? []).filter((each) => type === (isIPv4(each) ? 'A' : 'AAAA'));
    const header = Buffer.alloc(HEADER_BYTES);
    query.copy(header, 0, 0, 2); // the id
    // Response, recursion desired and available.
    header.writeUInt16BE(0x8180 | (mood === 'failing' ? SERVFAIL : known ? NOERROR : NXDOMAIN), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(addresses.length, 6);
    const question = query.subarray(HEADER_BYTES, end);
    const answers = addresses.map((address) => recordOf(address, this.ttlSeconds));
    this.socket.send(Buffer.concat([header, question, ...answers]), peer.port, peer.address);
  }
}

/** The question of a query; `type` is undefined unless it is for addresses. */
function questionOf(query: Buffer): { name: string; type: RecordType | undefined; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const name = labels.join('.').toLowerCase();
  return { name, type: TYPES.get(query.readUInt16BE(at + 1)), end: at + 5 };
}

/** A record for the name in the question. */
function recordOf(address: string, ttlSeconds: number): Buffer {
  const data = bytesOf(address);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 | HEADER_BYTES, 0); // a pointer to the name in the question
  head.writeUInt16BE(data.length === 4 ? 1 : 28, 2);
  head.writeUInt16BE(1, 4); // class IN
  head.writeUInt32BE(ttlSeconds, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [left = [], right = []] = address.split('::').map((half) => half.split(':').filter(Boolean));
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return Buffer.from([...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join(''), 'hex');
}
