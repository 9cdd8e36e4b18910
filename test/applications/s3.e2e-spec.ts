import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { S3_KEYS, startS3 } from '../support/s3-service.js';

@Upstream({
  name: 'objects-service',
  instances: ['http://127.0.0.1:9000'],
  routes: [
    {
      methods: ['GET', 'PUT', 'POST', 'DELETE'],
      path: '/media/{*key}',
      // The signature of each request is S3's token, and signs `Host` and the path as the client sent them.
      auth: 'none',
      allowedInPath: ['encodedPercent', 'emptySegment', 'encodedBackslash'],
      bodyLimitBytes: 1_073_741_824,
    },
  ],
})
class ObjectsUpstream {}

@Module({ providers: [ObjectsUpstream] })
class ObjectsModule {}

const startObjectsGateway = (url: string): Promise<RunningGateway> =>
  startGateway({ modules: [ObjectsModule], env: { OBJECTS_SERVICE_URL: url } });

function clientOf({ url }: RunningGateway, credentials = S3_KEYS): S3Client & Disposable {
  const client = new S3Client({
    endpoint: url,
    region: 'eu-central-1',
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  return Object.assign(client, { [Symbol.dispose]: () => client.destroy() });
}

const KEYS = [
  'plain.txt',
  'a b+c/ü€/~x(1)!*.txt',
  '100% sure',
  'a%2Fb',
  'folder//empty',
  '/leading',
  'trailing/',
  'back\\slash',
  'semi;colon=1&2',
];

describe('the AWS SDK for S3', () => {
  it.each(KEYS)('stores, reads and deletes the object %s', async (key) => {
    await using service = await startS3();
    await using gateway = await startObjectsGateway(service.url);
    using client = clientOf(gateway);
    const object = { Bucket: 'media', Key: key };

    await client.send(new PutObjectCommand({ ...object, Body: key }));
    const { Body } = await client.send(new GetObjectCommand(object));
    const list = await client.send(new ListObjectsV2Command({ Bucket: 'media', EncodingType: 'url' }));
    await client.send(new DeleteObjectCommand(object));

    expect(await Body!.transformToString()).toBe(key);
    expect(list.Contents?.map(({ Key }) => decodeURIComponent(Key!))).toEqual([key]);
    await expect(client.send(new GetObjectCommand(object))).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('uploads a stream in chunks with a checksum behind them, and reads a range', async () => {
    await using service = await startS3();
    await using gateway = await startObjectsGateway(service.url);
    using client = clientOf(gateway);
    const bytes = randomBytes(3_000_000);
    const object = { Bucket: 'media', Key: 'film' };

    await client.send(
      new PutObjectCommand({ ...object, Body: Readable.from([bytes]), ContentLength: bytes.length }),
    );
    const { Body } = await client.send(new GetObjectCommand({ ...object, Range: 'bytes=1000-2999999' }));

    expect(bytes.subarray(1000).equals(await Body!.transformToByteArray())).toBe(true);
  });

  it('has the refusals of the service, and the 400 of the gateway for a dot segment', async () => {
    await using service = await startS3();
    await using gateway = await startObjectsGateway(service.url);
    using client = clientOf(gateway);
    using stranger = clientOf(gateway, { ...S3_KEYS, secretAccessKey: 'wrong' });
    const object = { Bucket: 'media', Key: 'a' };

    await expect(stranger.send(new GetObjectCommand(object))).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
    });
    await expect(client.send(new GetObjectCommand({ ...object, Key: 'a/../b' }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 400 },
    });
  });
});
