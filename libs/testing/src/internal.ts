/** What the tests of this repository use beside the public door. No promise of stability; the package does not export it. */
export * from './index.js';
export { listenLocally, type ListeningServer } from './listening-server.js';
export { openSocketEnd } from './open-socket-end.js';
export { RunningGateway, type RunOptions } from './running-gateway.js';
export { SocketEnd } from './socket-end.js';
