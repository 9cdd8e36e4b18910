import { HttpException } from '@nestjs/common';

/** A page of an origin that is not on the list: 403 with an empty body. */
export class OriginForbiddenException extends HttpException {
  constructor() {
    super('', 403, { errorCode: 'ORIGIN_FORBIDDEN' });
    this.message = 'Origin not allowed';
  }
}

/** A request that is not the HTTP that the gateway speaks; its connection ends with the answer. */
export class MalformedRequestException extends HttpException {
  constructor(fault: string) {
    super({ error: fault }, 400, { errorCode: 'MALFORMED_REQUEST' });
    this.message = fault;
  }
}
