import { readdir } from 'node:fs/promises';
import { ObjectStore } from '../src/storage/object.store.js';
import type { RunningService } from './running-service.js';

export const content = Buffer.from('0123456789');
export const announcement = { filename: 'Größe "1".txt', content_type: 'text/plain', size: content.length };

/** Announces a file. */
export async function announce(storage: RunningService, token: string, changes: object = {}) {
  const { body } = await storage.send('POST', '/v1/storage/upload-url', token, {
    ...announcement,
    ...changes,
  });
  return body.data as { file_id: string; upload_url: string };
}

/** Announces, uploads and completes a file. */
export async function store(storage: RunningService, token: string, bytes = content) {
  const { file_id, upload_url } = await announce(storage, token, { size: bytes.length });
  await fetch(storage.url + upload_url, { method: 'PUT', body: bytes });
  await storage.send('POST', '/v1/storage/upload-complete', token, { file_id });
  const { body } = await storage.send('GET', `/v1/storage/download-url/${file_id}`, token);
  return { file_id, url: storage.url + body.data.download_url };
}

export function filesOnDisk(storage: RunningService) {
  return readdir(storage.app.get(ObjectStore).directory);
}
