import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createService } from '../../apps/reference/src/create-service.js';
import { JWT_SECRET } from './gateway.js';

/**
 * The four reference services on free ports; `env` tells a gateway where they are.
 * @param redisUrl where auth publishes revocations; by default nowhere
 */
export async function startReferenceServices(
  redisUrl?: string,
): Promise<AsyncDisposable & { readonly env: Record<string, string> }> {
  const env: Record<string, string> = {};
  const apps = await Promise.all(
    (['auth', 'chat', 'video', 'storage'] as const).map(async (service) => {
      const app = await createService({ service, jwtSecret: JWT_SECRET, ...(redisUrl && { redisUrl }) });
      await app.listen(0, '127.0.0.1');
      const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
      env[`${service.toUpperCase()}_SERVICE_URL`] = `http://127.0.0.1:${port}`;
      return app;
    }),
  );
  return {
    env,
    async [Symbol.asyncDispose]() {
      await Promise.all(apps.map((app) => app.close()));
    },
  };
}
