import { Upstream } from '@app/gateway';

const GIB = 1024 ** 3;

@Upstream({
  name: 'storage-service',
  instances: ['http://localhost:8084'],
  routes: [
    {
      methods: ['POST'],
      path: '/v1/storage/upload-url',
      limit: { name: 'STORAGE_UPLOAD_URL', perMinute: 20 },
    },
    { methods: ['POST'], path: '/v1/storage/upload-complete' },
    {
      methods: ['GET'],
      path: '/v1/storage/download-url/:file_id',
      limit: { name: 'STORAGE_DOWNLOAD_URL', perMinute: 30 },
    },
    { methods: ['GET'], path: '/v1/storage/quota' },
    {
      methods: ['DELETE'],
      path: '/v1/storage/files/:file_id',
      limit: { name: 'STORAGE_FILES', perMinute: 20 },
    },
    // Without an access token, since the path is signed: its token names the file, the direction and the expiry.
    { methods: ['GET', 'PUT'], path: '/v1/storage/objects/:token', auth: 'none', bodyLimitBytes: 2 * GIB },
  ],
})
export class StorageUpstream {}
