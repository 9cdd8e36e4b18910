// Replaces wrk if that is not installed, with the same parameters and output: URL CONNECTIONS SECONDS METHOD
// BODY_BYTES AUTHORIZATION...
import { createRequire } from 'node:module';

const autocannon = createRequire(new URL('../peers/package.json', import.meta.url))('autocannon');

const [url, connections, duration, method, bytes, ...users] = process.argv.slice(2);
const body = Number(bytes) > 0 ? 'u'.repeat(Number(bytes)) : undefined;
const {
  '2xx': requests,
  duration: seconds,
  latency,
  ...result
} = await autocannon({
  url,
  connections: Number(connections),
  duration: Number(duration),
  requests: users.map((authorization) => ({
    method,
    body,
    headers: { authorization, ...(body && { 'content-type': 'application/octet-stream' }) },
  })),
});
const failed = result.non2xx + result.errors + result.timeouts;
console.log(
  JSON.stringify({ requests, elapsedMs: seconds * 1_000, p50Ms: latency.p50, p99Ms: latency.p99, failed }),
);
