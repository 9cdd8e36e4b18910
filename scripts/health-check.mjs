// For a container's health check: exits with 0 where this container's server answers /health with 200.
import { get } from 'node:http';

/** Less than the check's own timeout, so that it is this that says what is wrong. */
const TIMEOUT_MS = 4_000;

const fail = (reason) => {
  console.error(reason);
  process.exit(1);
};

get({ host: '127.0.0.1', port: process.env.PORT, path: '/health', timeout: TIMEOUT_MS }, (response) => {
  if (response.statusCode !== 200) fail(`/health answered ${response.statusCode}`);
  process.exit(0);
})
  .on('timeout', () => fail(`/health did not answer within ${TIMEOUT_MS} ms`))
  .on('error', (error) => fail(error.message));
