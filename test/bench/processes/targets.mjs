import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JWT_SECRET } from '../../faults/token.mjs';
import { haproxyConfiguration } from '../peers/haproxy.mjs';
import { nginxConfiguration } from '../peers/nginx.mjs';

/** Flags of Node in the image. */
export const GATEWAY_FLAGS = ['--max-semi-space-size=8', '--no-allocation-site-pretenuring'];
const GATEWAY = fileURLToPath(new URL('../../../dist/apps/gateway/src/main.js', import.meta.url));
const GO_SOURCE = fileURLToPath(new URL('../peers/go', import.meta.url));

const peer = (file) => fileURLToPath(new URL(`../peers/${file}`, import.meta.url));

/**
 * Settings of the gateway: those of the image, without Redis. The gateway must refuse no request of the bench and close no
 * connection that the bench keeps, even if other processes take the core for a while.
 */
const GATEWAY_ENV = {
  MALLOC_ARENA_MAX: '1',
  JWT_SECRET,
  HOST: '127.0.0.1',
  REDIS_URL: 'redis://127.0.0.1:9',
  RATELIMIT_MESSAGES: '1000000',
  RATELIMIT_DEFAULT: '1000000',
  UPSTREAM_MAX_CONNECTIONS: '2048',
  MAX_EVENT_LOOP_DELAY_MS: '10000',
  WEBSOCKET_MAX_MESSAGES_PER_SECOND: '100000',
  MAX_IDLE_CLIENT_CONNECTIONS: '20000',
  MAX_IDLE_CLIENT_CONNECTIONS_PER_NETWORK: '20000',
  CLIENT_KEEP_ALIVE_TIMEOUT_MS: '3600000',
};

const gatewayEnv = ({ service }) => ({ ...GATEWAY_ENV, CHAT_SERVICE_URL: service });

/**
 * A process between the load and the service, which is measured.
 *
 * @typedef Target
 * @property {string} key its name on the command line, in the result and in goals
 * @property {string} title its name on the page
 * @property {string[]} protocols that it forwards; a target without one is in the scenarios that name it
 * @property {string} [program] file that Node runs
 * @property {string[]} [flags] of Node
 * @property {(place: { port: number, service: string, directory: string }) => string[]} [command] command line, if it is no
 *   program of Node
 * @property {(place: object) => Record<string, string>} [env] variables in addition to PORT and SERVICE
 * @property {string[]} [needs] programs of the machine; without one of them the target is left out
 * @property {(bench: object) => void} [prepare] builds it, before the first scenario
 */

/** @type {Target[]} */
export const TARGETS = [
  {
    key: 'gateway',
    title: 'this gateway, everything on',
    protocols: ['http', 'websocket'],
    flags: GATEWAY_FLAGS,
    program: GATEWAY,
    env: gatewayEnv,
  },
  {
    key: 'gateway-bare',
    title: 'this gateway, logs and limits off',
    protocols: ['http'],
    flags: GATEWAY_FLAGS,
    program: GATEWAY,
    env: (place) => ({ ...gatewayEnv(place), RATELIMIT: 'off', LOG_LEVEL: 'silent' }),
  },
  {
    key: 'nest-hpm',
    title: 'http-proxy-middleware in Nest',
    protocols: ['http'],
    program: peer('nest-http-proxy-middleware.mjs'),
  },
  {
    key: 'fastify',
    title: '@fastify/http-proxy',
    protocols: ['http'],
    program: peer('fastify-http-proxy.mjs'),
  },
  {
    key: 'go',
    title: 'Go httputil.ReverseProxy',
    protocols: ['http'],
    needs: ['go'],
    prepare: ({ directory }) =>
      execFileSync('go', ['build', '-o', join(directory, 'go-proxy'), '.'], { cwd: GO_SOURCE }),
    command: ({ directory }) => [join(directory, 'go-proxy')],
  },
  {
    key: 'nginx',
    title: 'nginx',
    protocols: ['http', 'websocket'],
    needs: ['nginx'],
    command: (place) => {
      const file = join(place.directory, 'nginx.conf');
      writeFileSync(file, nginxConfiguration(place));
      return ['nginx', '-c', file, '-e', 'stderr'];
    },
  },
  {
    key: 'haproxy',
    title: 'haproxy',
    protocols: ['http', 'websocket'],
    needs: ['haproxy'],
    command: (place) => {
      const file = join(place.directory, 'haproxy.cfg');
      writeFileSync(file, haproxyConfiguration(place));
      return ['haproxy', '-db', '-f', file];
    },
  },
  {
    key: 'ws-relay',
    title: 'plain relay of `ws`',
    protocols: ['websocket'],
    program: peer('ws-relay.mjs'),
  },
  {
    key: 'node-http',
    title: 'bare `node:http` server',
    protocols: [],
    program: peer('node-http.mjs'),
  },
];

/** The gateway with ROUTES routes, instead of SecureConnect's. */
export const manyRoutes = (gateway) => ({ ...gateway, program: peer('many-routes.mjs') });

/** Debian keeps nginx and haproxy in a directory that is not in the PATH of users. */
export const SEARCH_PATH = [process.env.PATH, '/usr/local/sbin', '/usr/sbin'].join(delimiter);

/** Whether this machine has a program. */
export function isInstalled(program) {
  return SEARCH_PATH.split(delimiter).some((folder) => existsSync(join(folder, program)));
}
