import { create, createFileRegistry, type DescService } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  MethodOptions_IdempotencyLevel,
} from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  connectNodeAdapter,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { startService, type PlayedService } from '../support/service.js';

@Upstream({
  name: 'greeter-service',
  instances: ['http://127.0.0.1:8080'],
  routes: [{ methods: ['GET', 'POST'], path: '/greet.v1.GreetService/:method' }],
})
class GreeterUpstream {}

@Module({ providers: [GreeterUpstream] })
class GreeterModule {}

/** What `protoc` makes of a file with a service whose messages have one string. */
function describeGreeter(): DescService {
  const method = (name: string, options: object = {}): object => ({
    name,
    inputType: '.greet.v1.Text',
    outputType: '.greet.v1.Text',
    ...options,
  });
  const field = {
    name: 'text',
    number: 1,
    type: FieldDescriptorProto_Type.STRING,
    label: FieldDescriptorProto_Label.OPTIONAL,
  };
  const file = create(FileDescriptorProtoSchema, {
    name: 'greet/v1/greet.proto',
    package: 'greet.v1',
    syntax: 'proto3',
    messageType: [{ name: 'Text', field: [field] }],
    service: [
      {
        name: 'GreetService',
        method: [
          method('Greet', { options: { idempotencyLevel: MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS } }),
          method('Spell', { serverStreaming: true }),
          method('Join', { clientStreaming: true }),
          method('Fail'),
        ],
      },
    ],
  });
  return createFileRegistry(file, () => undefined).getService('greet.v1.GreetService')!;
}

const GREETER = describeGreeter();

interface Text {
  readonly text: string;
}

/** The client of the service, which generated code would type. */
interface Greeter {
  greet(text: Text): Promise<Text>;
  spell(text: Text): AsyncIterable<Text>;
  join(texts: AsyncIterable<Text>): Promise<Text>;
  fail(text: Text): Promise<Text>;
}

function startGreeter(): Promise<PlayedService> {
  const handler = connectNodeAdapter({
    routes: (router) =>
      router.service(GREETER, {
        greet: ({ text }: Text) => ({ text: `Hello ${text}` }),
        async *spell({ text }: Text) {
          for (const letter of text) yield { text: letter };
        },
        join: async (texts: AsyncIterable<Text>) => ({ text: (await collect(texts)).join('') }),
        fail: () => {
          throw new ConnectError('not today', Code.FailedPrecondition, { 'x-why': 'monday' });
        },
      } as never),
  });
  return startService(handler);
}

const startGreeterGateway = (url: string): Promise<RunningGateway> =>
  startGateway({ modules: [GreeterModule], env: { GREETER_SERVICE_URL: url } });

async function collect(texts: AsyncIterable<Text>): Promise<string[]> {
  const all: string[] = [];
  for await (const { text } of texts) all.push(text);
  return all;
}

async function* letters(...all: string[]): AsyncIterable<Text> {
  for (const text of all) yield { text };
}

type Options = Parameters<typeof createConnectTransport>[0] & { readonly httpVersion: '1.1' };

const optionsOf = ({ url }: RunningGateway): Options => ({
  httpVersion: '1.1',
  baseUrl: url,
  interceptors: [
    (next) => (request) => {
      request.header.set('Authorization', bearer().Authorization);
      return next(request);
    },
  ],
});

const clientOf = (transport: Transport): Greeter => createClient(GREETER, transport) as unknown as Greeter;

const TRANSPORTS: readonly (readonly [string, (options: Options) => Transport])[] = [
  ['Connect with JSON', createConnectTransport],
  ['Connect with Protobuf', (options) => createConnectTransport({ ...options, useBinaryFormat: true })],
  ['Connect with GET', (options) => createConnectTransport({ ...options, useHttpGet: true })],
  ['gRPC-web', createGrpcWebTransport],
];

describe.each(TRANSPORTS)('%s over HTTP/1.1', (_name, createTransport) => {
  it('passes calls, streams of either side, and errors', async () => {
    await using service = await startGreeter();
    await using gateway = await startGreeterGateway(service.url);
    const client = clientOf(createTransport(optionsOf(gateway)));

    expect((await client.greet({ text: 'Ada' })).text).toBe('Hello Ada');
    expect(await collect(client.spell({ text: 'häß' }))).toEqual(['h', 'ä', 'ß']);
    expect((await client.join(letters('a', 'b', 'c'))).text).toBe('abc');
    const error = await client.fail({ text: '' }).catch((cause: unknown) => ConnectError.from(cause));
    expect(error).toMatchObject({ code: Code.FailedPrecondition, rawMessage: 'not today' });
    expect((error as ConnectError).metadata.get('x-why')).toBe('monday');
  });

  it('is refused without a token as unauthenticated', async () => {
    await using service = await startGreeter();
    await using gateway = await startGreeterGateway(service.url);
    const client = clientOf(createTransport({ ...optionsOf(gateway), interceptors: [] }));

    await expect(client.greet({ text: 'Ada' })).rejects.toMatchObject({ code: Code.Unauthenticated });
  });
});

describe('gRPC over HTTP/2', () => {
  it('does not pass: its client sees `internal: Protocol error`, and the service nothing', async () => {
    await using service = await startGreeter();
    await using gateway = await startGreeterGateway(service.url);
    const client = clientOf(createGrpcTransport({ baseUrl: gateway.url }));

    await expect(client.greet({ text: 'Ada' })).rejects.toMatchObject({
      code: Code.Internal,
      rawMessage: 'Protocol error',
    });
    expect(service.accepted()).toBe(0);
  });
});
