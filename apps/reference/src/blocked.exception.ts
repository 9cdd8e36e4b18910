import { ForbiddenException } from '@nestjs/common';

/** 403: one of the users has blocked another. */
export class BlockedException extends ForbiddenException {
  constructor() {
    super('Blocked', { errorCode: 'BLOCKED' });
  }
}
