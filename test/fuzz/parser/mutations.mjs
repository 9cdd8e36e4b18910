/** Pieces in which parsers differ. */
const PIECES = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  '\n\n',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '"',
  '\0',
  '\x7f',
  '\x80',
  '\x0b',
  '0',
  '00',
  '+',
  '-',
  '0x',
  'a',
  'F',
  '\r\n ',
  '\r\n\t',
  ' :',
  'Content-Length: 5\r\n',
  'Content-Length: 2\r\n',
  'content-length:0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'transfer-encoding: identity\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Transfer-Encoding: chunked, chunked\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\nUpgrade: h2c\r\n',
  'Trailer: X\r\n',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  '0\r\n\r\n',
  '1\r\nx\r\n',
  ';a=b',
  ';a="b;c"',
  ';a',
  'ffffffffffffffff',
  'X: y\r\n',
  ': y\r\n',
  'X\r\n',
];

const MUTATIONS = {
  insert: (random, bytes, at) => splice(bytes, at, 0, Buffer.from(random.pick(PIECES), 'latin1')),
  replace: (random, bytes, at) =>
    splice(bytes, at, random.int(1, 3), Buffer.from(random.pick(PIECES), 'latin1')),
  delete: (random, bytes, at) => splice(bytes, at, random.int(1, 4), Buffer.alloc(0)),
  flip: (random, bytes, at) => {
    const changed = Buffer.from(bytes);
    if (at < changed.length) changed[at] ^= 1 << random.int(0, 7);
    return changed;
  },
  byte: (random, bytes, at) => splice(bytes, at, 1, Buffer.from([random.int(0, 255)])),
  cut: (_random, bytes, at) => bytes.subarray(0, at),
  repeat: (random, bytes, at) => splice(bytes, at, 0, bytes.subarray(at, at + random.int(1, 30))),
  insertBetweenFields: (random, bytes) => {
    const ends = [...bytes.toString('latin1').matchAll(/\r\n/g)].map(({ index }) => index + 2);
    return ends.length === 0
      ? bytes
      : splice(bytes, random.pick(ends), 0, Buffer.from(random.pick(PIECES), 'latin1'));
  },
};

const NAMES = Object.keys(MUTATIONS);

/** Changes bytes so many times. */
export function mutate(random, bytes, times) {
  let changed = bytes;
  for (let time = 0; time < times; time++) {
    changed = MUTATIONS[random.pick(NAMES)](random, changed, random.int(0, changed.length));
  }
  return changed;
}

const splice = (bytes, at, length, more) =>
  Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at + length)]);
