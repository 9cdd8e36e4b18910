const CRLF = '\r\n';
const EDGE_LENGTHS = [
  '-1',
  '0',
  '00',
  '+5',
  '5, 5',
  '0x10',
  '1e3',
  '4294967296',
  '99999999999999999999',
  ' 5',
  '5 ',
];
const EDGE_SIZES = ['-1', '', '0x5', '5 ;a=b', 'ffffffffffffffff1', '7fffffff', 'g', '00000000000000005'];
const ODD_LINES = [
  'X-Fold: one\r\n two',
  'Bad Name: value',
  'No colon at all',
  ': empty name',
  'X-Null: a\0b',
  'X-High: \u00ff\u00e4',
  'Connection: close',
  'Connection: authorization, x-request-id',
  'Connection: keep-alive, upgrade',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding : chunked',
  'Content-Length: 3',
  'Expect: 100-continue',
  'Upgrade: h2c',
  'Upgrade: websocket',
  'TE: trailers',
  'Trailer: X-Late',
  'Host: other.example',
  `X-Long: ${'l'.repeat(20_000)}`,
  'Keep-Alive: timeout=0',
];

/** Changes of any bytes. Each takes a buffer and gives another one. */
const BYTE_CHANGES = {
  flip(random, bytes) {
    const copy = Buffer.from(bytes);
    copy[random.int(0, copy.length - 1)] ^= 1 << random.int(0, 7);
    return copy;
  },
  insert(random, bytes) {
    const at = random.int(0, bytes.length);
    return Buffer.concat([bytes.subarray(0, at), random.bytes(random.int(1, 8)), bytes.subarray(at)]);
  },
  remove(random, bytes) {
    const at = random.int(0, bytes.length - 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.int(1, 12))]);
  },
  overwrite(random, bytes) {
    const copy = Buffer.from(bytes);
    random.bytes(random.int(1, 8)).copy(copy, random.int(0, copy.length - 1));
    return copy;
  },
  truncate(random, bytes) {
    return bytes.subarray(0, random.int(1, bytes.length));
  },
};

/** Changes of a message that has a head, HTTP on either side. Each takes its lines, without the empty one. */
const HEAD_CHANGES = {
  duplicate(random, lines) {
    const line = lines[random.int(1, lines.length - 1)];
    return lines.toSpliced(random.int(1, lines.length), 0, line);
  },
  drop(random, lines) {
    return lines.toSpliced(random.int(1, lines.length - 1), 1);
  },
  odd(random, lines) {
    return lines.toSpliced(random.int(1, lines.length), 0, random.pick(ODD_LINES));
  },
  length(random, lines) {
    return replaceLine(lines, /^content-length:/i, `Content-Length: ${random.pick(EDGE_LENGTHS)}`);
  },
  otherLength(random, lines) {
    const isNear = random.chance(0.7);
    return lines.map((line) =>
      line.replace(/^(content-length: )(\d+)$/i, (_, name, length) => {
        const other = isNear ? Number(length) + random.pick([-20, -2, -1, 1, 2, 20]) : random.int(0, 100_000);
        return `${name}${Math.max(0, other)}`;
      }),
    );
  },
  bareLineFeed(random, lines) {
    const at = random.int(0, lines.length - 2);
    return lines.toSpliced(at, 2, `${lines[at]}\n${lines[at + 1]}`);
  },
  firstLine(random, lines) {
    const line = lines[0];
    const changed = random.pick([
      line.replace('HTTP/1.1', random.pick(['HTTP/1.0', 'HTTP/2.0', 'HTTP/1.2', 'RTSP/1.1', 'HTTP/0.9', ''])),
      line.replace(' ', random.pick(['  ', '\t', '', ' \r'])),
      line.replace('/v1', random.pick(['//v1', '/%2e%2e/v1', '/v1/../v1', '/v1;x', 'http://other/v1', '*'])),
      line.replace('?', random.pick(['?a#b', '#', '?\u00e9', '?a b', '?%00'])),
    ]);
    return lines.with(0, changed);
  },
};

function replaceLine(lines, pattern, line) {
  const index = lines.findIndex((each) => pattern.test(each));
  return index === -1 ? [...lines, line] : lines.with(index, line);
}

/** Changes one to three bytes or stretches of bytes. */
export function mutateBytes(random, bytes) {
  let changed = bytes;
  for (let left = random.int(1, 3); left > 0 && changed.length > 1; left--) {
    changed = BYTE_CHANGES[random.pick(Object.keys(BYTE_CHANGES))](random, changed);
  }
  return changed;
}

/** Changes the head of a message, a size of a chunk in its body, or any of its bytes. */
export function mutateMessage(random, bytes) {
  const end = bytes.indexOf(CRLF + CRLF);
  if (end === -1 || random.chance(0.3)) return mutateBytes(random, bytes);
  const rest = bytes.subarray(end);
  let lines = bytes.toString('latin1', 0, end).split(CRLF);
  if (/^transfer-encoding: chunked$/im.test(lines.join('\n')) && random.chance(0.4)) {
    return Buffer.concat([bytes.subarray(0, end), mutateChunks(random, rest)]);
  }
  for (let left = random.int(1, 2); left > 0 && lines.length > 2; left--) {
    lines = HEAD_CHANGES[random.pick(Object.keys(HEAD_CHANGES))](random, lines);
  }
  return Buffer.concat([Buffer.from(lines.join(CRLF), 'latin1'), rest]);
}

function mutateChunks(random, rest) {
  const text = rest.toString('latin1');
  const sizes = [...text.matchAll(/(?<=\r\n)[0-9a-f]+(?=\r\n)/g)];
  if (sizes.length === 0) return rest;
  const { index, 0: size } = random.pick(sizes);
  return Buffer.from(
    text.slice(0, index) +
      random.pick([...EDGE_SIZES, `${size};ext`, `${size}\n`]) +
      text.slice(index + size.length),
    'latin1',
  );
}
