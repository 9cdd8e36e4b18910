import { ProxyException } from '@app/proxy';
import { HttpException } from '@nestjs/common';

/** A page of an origin that is not on the list: 403 with an empty body. */
export class OriginForbiddenException extends HttpException {
  constructor() {
    super('', 403, { errorCode: 'ORIGIN_FORBIDDEN' });
    this.message = 'Origin not allowed';
  }
}

/** An `Expect` other than `100-continue` (RFC 9110, section 10.1.1). */
export class ExpectationFailedException extends ProxyException {
  constructor() {
    super({ status: 417, code: 'EXPECTATION_FAILED', message: 'Expectation not supported' });
  }
}
