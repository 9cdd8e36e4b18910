// @fastify/http-proxy with its defaults, and the one header that every proxy must write.
import httpProxy from '@fastify/http-proxy';
import Fastify from 'fastify';

const { PORT, SERVICE } = process.env;

const app = Fastify();
await app.register(httpProxy, {
  upstream: SERVICE,
  replyOptions: {
    rewriteRequestHeaders: ({ ip }, headers) => ({ ...headers, 'x-forwarded-for': ip }),
  },
});
await app.listen({ port: Number(PORT), host: '127.0.0.1' });
