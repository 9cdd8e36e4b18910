import { Module } from '@nestjs/common';
import { DeletionGate } from './deletion.gate.js';
import { OrdersUpstream } from './orders.upstream.js';

@Module({ providers: [OrdersUpstream, DeletionGate] })
export class OrdersModule {}
