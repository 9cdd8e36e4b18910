import { Module } from '@nestjs/common';
import { Database } from '../database.js';
import { CallsController } from './calls.controller.js';
import { CallsService } from './calls.service.js';
import { SignalingSocket } from './signaling.socket.js';
import { VIDEO_TABLES } from './video.tables.js';

@Module({
  controllers: [CallsController],
  providers: [Database.of(VIDEO_TABLES), CallsService, SignalingSocket],
})
export class VideoModule {}
