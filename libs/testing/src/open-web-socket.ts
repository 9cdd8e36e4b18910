import { openSocketEnd } from './open-socket-end.js';
import type { WebSocketClient, WebSocketOptions } from './web-socket-end.js';

/**
 * Opens a WebSocket.
 *
 * @param url `ws://host:port/path`, or the same with `http`
 * @throws HandshakeRefusedError with status and body; Node's error if there is no connection
 */
export async function openWebSocket(url: string, options: WebSocketOptions = {}): Promise<WebSocketClient> {
  return openSocketEnd(url, options);
}
