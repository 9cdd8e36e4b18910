import type { IncomingMessage, ServerResponse } from 'node:http';
import { exchangeOf } from '@app/proxy';
import { Injectable, type NestMiddleware } from '@nestjs/common';

/** Sets what the gates added for the application's own controllers; a forward writes it by itself. */
@Injectable()
export class ControllerHeadersMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  use(request: IncomingMessage, response: ServerResponse, next: () => void): void {
    const { responseHeaders } = exchangeOf(request)!;
    for (let index = 0; index < responseHeaders.length; index += 2) {
      response.appendHeader(responseHeaders[index]!, responseHeaders[index + 1]!);
    }
    next();
  }
}
