// @fastify/http-proxy with its defaults, but the one header that every proxy must write, and room for the listeners of an
// event stream: its 128 connections would leave the others without a response.
import httpProxy from '@fastify/http-proxy';
import Fastify from 'fastify';

const { PORT, SERVICE } = process.env;

const app = Fastify();
await app.register(httpProxy, {
  upstream: SERVICE,
  undici: { connections: 2_048 },
  replyOptions: {
    rewriteRequestHeaders: ({ ip }, headers) => ({ ...headers, 'x-forwarded-for': ip }),
  },
});
await app.listen({ port: Number(PORT), host: '127.0.0.1' });
