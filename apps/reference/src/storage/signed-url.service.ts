import { ForbiddenException, Inject, Injectable } from '@nestjs/common';
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';

export const OBJECTS_PATH = '/v1/storage/objects/';
const LIFETIME_MS = 15 * 60 * 1000;

export type ObjectOperation = 'put' | 'get';

/** Signs URLs that allow one operation on one object until they expire: `<file id>.<op>-<expiry>.<mac>`. */
@Injectable()
export class SignedUrlService {
  readonly #key: Buffer;
  readonly #prefix: string;

  constructor(@Inject(SERVICE_CONFIG) { jwtSecret, publicUrl = '' }: ServiceConfig) {
    // A separate key, so that an access token cannot pass as a signed URL, or the reverse.
    this.#key = Buffer.from(hkdfSync('sha256', jwtSecret, '', 'storage object url', 32));
    this.#prefix = `${publicUrl}${OBJECTS_PATH}`;
  }

  sign(fileId: string, operation: ObjectOperation, expiresAt = Date.now() + LIFETIME_MS) {
    const claim = `${fileId}.${operation}-${Math.floor(expiresAt / 1000)}`;
    return {
      url: `${this.#prefix}${claim}.${this.#mac(claim)}`,
      expires_at: new Date(expiresAt).toISOString(),
    };
  }

  /** Returns the id of the file. @throws ForbiddenException if the signature is wrong or the URL has expired */
  verify(token: string, operation: ObjectOperation): string {
    const [fileId = '', right = '', mac = '', ...rest] = token.split('.');
    const expected = Buffer.from(this.#mac(`${fileId}.${right}`));
    const given = Buffer.from(mac);
    const isSigned = given.length === expected.length && timingSafeEqual(given, expected);
    const [signedOperation, expiry] = right.split('-');
    if (!isSigned || rest.length > 0 || signedOperation !== operation) {
      throw new ForbiddenException('Invalid URL signature', { errorCode: 'INVALID_SIGNATURE' });
    }
    if (Number(expiry) * 1000 <= Date.now()) {
      throw new ForbiddenException('URL has expired', { errorCode: 'URL_EXPIRED' });
    }
    return fileId;
  }

  #mac(claim: string): string {
    return createHmac('sha256', this.#key).update(claim).digest('base64url');
  }
}
