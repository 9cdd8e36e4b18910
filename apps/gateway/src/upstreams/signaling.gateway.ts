import { WebSocketGateway } from '@nestjs/websockets';

/** Signaling of calls, under its alias too. The policy is in the routes of `video.upstream.ts`. */
@WebSocketGateway({ path: '/v1/calls/ws/signaling' })
export class SignalingGateway {}
