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

/** An `Expect` other than `100-continue` (RFC 9110, section 10.1.1). */
export class ExpectationFailedException extends HttpException {
  constructor() {
    super({ error: 'Expectation not supported' }, 417, { errorCode: 'EXPECTATION_FAILED' });
    this.message = 'Expectation not supported';
  }
}
