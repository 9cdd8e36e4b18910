import type { GatewaySettings } from '@app/gateway';

/** Settings in the network of `docker-compose.yml`, where services have host names. */
export const COMPOSE: GatewaySettings = {
  host: '0.0.0.0',
  redis: { host: 'redis' },
  proxy: {
    addresses: {
      'auth-service': ['http://auth-service:8080'],
      'chat-service': ['http://chat-service:8082'],
      'video-service': ['http://video-service:8083'],
      'storage-service': ['http://storage-service:8080'],
    },
  },
};
