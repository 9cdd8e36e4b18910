import { Upstream } from '@app/proxy';

const GIB = 1024 ** 3;

@Upstream({
  name: 'storage-service',
  instances: { compose: ['http://storage-service:8080'], local: ['http://localhost:8084'] },
  routes: [
    { methods: ['POST'], path: '/v1/storage/upload-url' },
    { methods: ['POST'], path: '/v1/storage/upload-complete' },
    { methods: ['GET'], path: '/v1/storage/download-url/:file_id' },
    { methods: ['GET'], path: '/v1/storage/quota' },
    { methods: ['DELETE'], path: '/v1/storage/files/:file_id' },
    // Public because signed: the token in the path says who may move which bytes until when.
    { methods: ['GET', 'PUT'], path: '/v1/storage/objects/:token', auth: 'none', bodyLimitBytes: 2 * GIB },
  ],
})
export class StorageUpstream {}
