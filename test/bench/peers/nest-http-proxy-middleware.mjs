// http-proxy-middleware in a Nest application, as its README has it and most people write it. Its agent is the default one
// with room for the listeners of an event stream: 256 connections would leave the others without a response. Idle connections
// stay open for an hour: Node would close them after 5 s, before 10,000 are open on a slow machine.
import { Agent } from 'node:http';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createProxyMiddleware } from 'http-proxy-middleware';

const { PORT, SERVICE } = process.env;

const agent = new Agent({ keepAlive: true, maxSockets: 2_048, maxFreeSockets: 64 });

class AppModule {
  configure(consumer) {
    consumer
      .apply(createProxyMiddleware({ target: SERVICE, changeOrigin: true, xfwd: true, agent }))
      .forRoutes('/');
  }
}
Module({})(AppModule);

const app = await NestFactory.create(AppModule, { bodyParser: false, logger: false });
app.getHttpServer().keepAliveTimeout = 3_600_000;
await app.listen(Number(PORT), '127.0.0.1');
