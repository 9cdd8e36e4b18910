// Health check of a container: exits with 0 if the container's server responds to /health with 200, else with 1.
import { get } from 'node:http';

/** Milliseconds; less than the timeout of Docker's health check, so that this script can print the reason. */
const TIMEOUT_MS = 4_000;

const fail = (reason) => {
  console.error(reason);
  process.exit(1);
};

get({ host: '127.0.0.1', port: process.env.PORT, path: '/health', timeout: TIMEOUT_MS }, (response) => {
  if (response.statusCode !== 200) fail(`/health responded with ${response.statusCode}`);
  process.exit(0);
})
  .on('timeout', () => fail(`/health did not respond within ${TIMEOUT_MS} ms`))
  .on('error', (error) => fail(error.message));
