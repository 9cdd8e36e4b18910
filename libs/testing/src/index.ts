export {
  startTestGateway,
  type TestGateway,
  type TestGatewayOptions,
  type TestTokenOptions,
} from './test-gateway.js';
export { FakeUpstream, type FakeUpstreamOptions } from './fake-upstream.js';
export type { FakeInstance } from './fake-instance.js';
export type { RecordedRequest } from './recorded-request.js';
export type { FakeResponse, UpstreamHandler } from './upstream-handler.js';
export { delayed, hang, reset, shortBody, type DelayedHandler, type ResetStage } from './faults.js';
export { eventStream, type EventStreamHandler, type FakeEvent } from './event-stream.js';
export { echo, type FakeSocket, type WebSocketHandler } from './fake-sockets.js';
export { HandshakeRefusedError } from './handshake-refused.error.js';
export { openWebSocket } from './open-web-socket.js';
export type { Closed, WebSocketClient, WebSocketEnd, WebSocketOptions } from './web-socket-end.js';
export { TestClock } from './test-clock.js';
export { TestGatewayError } from './test-gateway.error.js';
export type { LogLine } from './log-lines.js';
export { signJwt, type Claims, type TokenForm } from './tokens.js';
export * from './kits/index.js';
