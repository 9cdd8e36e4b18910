import { Module } from '@nestjs/common';
import { Database } from '../database.js';
import { CHAT_TABLES } from './chat.tables.js';
import { MessagesController } from './messages.controller.js';
import { MessagesService } from './messages.service.js';
import { PresenceController } from './presence.controller.js';

@Module({
  controllers: [MessagesController, PresenceController],
  providers: [Database.of(CHAT_TABLES), MessagesService],
})
export class ChatModule {}
