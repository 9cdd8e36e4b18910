import type { IncomingMessage, ServerResponse } from 'node:http';
import { OWN_RESPONSE_HEADERS } from '../http/error-response.js';
import { exchangeOf } from '@app/proxy';
import { Injectable, type NestMiddleware } from '@nestjs/common';

/**
 * Sets the headers that the gates added, and those of every response of the gateway's own (`OWN_RESPONSE_HEADERS`), on the
 * responses of controllers. A controller's `@Header` replaces one of the latter. Does not run for forwarded requests: the
 * proxy adds the headers of the gates to their responses.
 */
@Injectable()
export class ControllerHeadersMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  use(request: IncomingMessage, response: ServerResponse, next: () => void): void {
    const { responseHeaders } = exchangeOf(request)!;
    for (let index = 0; index < responseHeaders.length; index += 2) {
      response.appendHeader(responseHeaders[index]!, responseHeaders[index + 1]!);
    }
    for (let index = 0; index < OWN_RESPONSE_HEADERS.length; index += 2) {
      response.setHeader(OWN_RESPONSE_HEADERS[index]!, OWN_RESPONSE_HEADERS[index + 1]!);
    }
    next();
  }
}
