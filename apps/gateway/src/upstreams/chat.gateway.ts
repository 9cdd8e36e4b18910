import { WebSocketGateway } from '@nestjs/websockets';

/** Chat: one socket a conversation. Its policy is the route in `chat.upstream.ts`. */
@WebSocketGateway({ path: '/v1/ws/chat' })
export class ChatGateway {}
