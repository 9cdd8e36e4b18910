import { randomBytes } from 'node:crypto';
import { startGateway } from '../support/gateway.js';
import { untilBuffered } from '../support/metrics.js';
import { moduleOf, OTHER } from '../support/websocket-module.js';
import { echo, openSocket, startSocketService } from '../support/websocket.js';

const MIB = 1024 * 1024;

describe('a message of 16 MiB', () => {
  it('passes both ways whole where the row allows it, and leaves nothing behind', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({
      modules: [moduleOf({ messageLimitBytes: 16 * MIB })],
      env: { OTHER_SERVICE_URL: service.url },
    });
    await using client = await openSocket(gateway, OTHER);
    const end = await service.connection(0);
    const message = randomBytes(16 * MIB);

    client.socket.send(message.subarray(0, 8 * MIB), { fin: false });
    await untilBuffered(gateway, (bytes) => bytes >= 8 * MIB);
    client.socket.send(message.subarray(8 * MIB), { fin: true });

    const [there] = await end.received(1);
    const [back] = await client.received(1);
    expect(message.equals(there as Buffer)).toBe(true);
    expect(message.equals(back as Buffer)).toBe(true);
    await untilBuffered(gateway, (bytes) => bytes === 0);
  });
});
