import { Module } from '@nestjs/common';
import { Database } from '../database.js';
import { ChatSocket } from './chat.socket.js';
import { CHAT_TABLES } from './chat.tables.js';
import { DemoController } from './demo.controller.js';
import { MessagesController } from './messages.controller.js';
import { MessagesService } from './messages.service.js';
import { PresenceController } from './presence.controller.js';

@Module({
  controllers: [DemoController, MessagesController, PresenceController],
  providers: [Database.of(CHAT_TABLES), ChatSocket, MessagesService],
})
export class ChatModule {}
