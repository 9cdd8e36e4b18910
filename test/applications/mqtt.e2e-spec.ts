import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { Aedes } from 'aedes';
import mqtt, { type MqttClient } from 'mqtt';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { nextEvent } from '../support/next-event.js';
import { startService } from '../support/service.js';

@Upstream({
  name: 'broker-service',
  instances: ['http://127.0.0.1:8883'],
  routes: [
    {
      methods: ['GET'],
      path: '/mqtt',
      // MQTT.js sends a publish in six messages of a WebSocket, and all that waits at once.
      websocket: { closesAtExpiry: false, messagesPerSecond: 5000 },
    },
  ],
})
class BrokerUpstream {}

@Module({ providers: [BrokerUpstream] })
class BrokerModule {}

/** An MQTT broker over WebSockets. */
async function startBroker(): Promise<{ readonly url: string } & AsyncDisposable> {
  const broker = await Aedes.createBroker();
  const service = await startService((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server: service.server, handleProtocols: () => 'mqtt' });
  sockets.on('connection', (socket, request) => {
    const stream = createWebSocketStream(socket);
    stream.on('error', () => {});
    broker.handle(stream, request);
  });
  return {
    url: service.url,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((done) => broker.close(done));
      await service[Symbol.asyncDispose]();
    },
  };
}

const startBrokerGateway = (url: string): Promise<RunningGateway> =>
  startGateway({ modules: [BrokerModule], env: { BROKER_SERVICE_URL: url } });

async function connect({ url }: RunningGateway): Promise<MqttClient & AsyncDisposable> {
  const client = await mqtt.connectAsync(`${url.replace('http', 'ws')}/mqtt`, {
    wsOptions: { headers: bearer() },
    reconnectPeriod: 0,
  });
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.endAsync(true) });
}

describe('MQTT over WebSockets', () => {
  it('delivers messages and their bytes to subscribers', async () => {
    await using broker = await startBroker();
    await using gateway = await startBrokerGateway(broker.url);
    await using reader = await connect(gateway);
    await using writer = await connect(gateway);
    await reader.subscribeAsync('rooms/+/light', { qos: 1 });
    const heard = nextEvent(reader, 'message');

    await writer.publishAsync('rooms/küche/light', Buffer.from([0, 1, 255]), { qos: 1 });

    expect((await heard).slice(0, 2)).toEqual(['rooms/küche/light', Buffer.from([0, 1, 255])]);
  });

  it('acknowledges 400 messages that are published at once', async () => {
    await using broker = await startBroker();
    await using gateway = await startBrokerGateway(broker.url);
    await using writer = await connect(gateway);

    const messages = Array.from({ length: 400 }, (_, index) =>
      writer.publishAsync('readings', String(index), { qos: 1 }),
    );

    expect(await Promise.all(messages)).toHaveLength(400);
  });
});
