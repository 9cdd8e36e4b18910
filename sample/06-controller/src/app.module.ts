import { GatewayModule, Upstream } from '@secureconnect/gateway';
import { Module } from '@nestjs/common';
import { LibraryController } from './library.controller.js';

@Upstream({
  name: 'books',
  instances: ['http://127.0.0.1:4106'],
  routes: [{ methods: ['GET'], path: '/books', auth: 'none' }],
})
class BooksUpstream {}

@Module({
  imports: [GatewayModule.forRoot()],
  controllers: [LibraryController],
  providers: [BooksUpstream],
})
export class AppModule {}
