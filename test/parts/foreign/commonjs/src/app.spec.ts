import { createServer, type Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { AppModule, ORDERS_URL } from './app.module';

describe('AppModule', () => {
  let orders: Server;
  let app: INestApplication;

  beforeEach(async () => {
    const { port, hostname } = new URL(ORDERS_URL);
    orders = createServer(({ method, url }, response) => response.end(`${method} ${url}`));
    await new Promise<void>((resolve) => orders.listen(Number(port), hostname, resolve));
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = module.createNestApplication();
    await app.init();
  });

  it('/orders (GET)', () => {
    return request(app.getHttpServer()).get('/orders/7').expect(200).expect('GET /7');
  });

  afterEach(async () => {
    await app.close();
    orders.close();
  });
});
