// http-proxy-middleware in a Nest application, as its README has it and most people write it.
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createProxyMiddleware } from 'http-proxy-middleware';

const { PORT, SERVICE } = process.env;

class AppModule {
  configure(consumer) {
    consumer.apply(createProxyMiddleware({ target: SERVICE, changeOrigin: true, xfwd: true })).forRoutes('/');
  }
}
Module({})(AppModule);

const app = await NestFactory.create(AppModule, { bodyParser: false, logger: false });
await app.listen(Number(PORT), '127.0.0.1');
