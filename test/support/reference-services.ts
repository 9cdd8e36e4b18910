import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createService } from '../../apps/reference/src/create-service.js';
import { JWT_SECRET } from './gateway.js';

/**
 * The four reference services on free ports. `env` has their addresses for a gateway.
 *
 * @param redisUrl the Redis for revocations. Default: none
 */
export async function startReferenceServices(
  redisUrl?: string,
): Promise<AsyncDisposable & { readonly env: Record<string, string> }> {
  const env: Record<string, string> = {};
  const authServiceUrls: string[] = [];
  const start = async (service: 'auth' | 'chat' | 'video' | 'storage') => {
    const app = await createService({ service, jwtSecret: JWT_SECRET, redisUrl, authServiceUrls });
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    env[`${service.toUpperCase()}_SERVICE_URL`] = `http://127.0.0.1:${port}`;
    return app;
  };
  const auth = await start('auth');
  authServiceUrls.push(env['AUTH_SERVICE_URL']!);
  const apps = [auth, ...(await Promise.all((['chat', 'video', 'storage'] as const).map(start)))];
  return {
    env,
    async [Symbol.asyncDispose]() {
      // auth-service last, since the others ask it until they end.
      await Promise.all(apps.slice(1).map((app) => app.close()));
      await auth.close();
    },
  };
}
