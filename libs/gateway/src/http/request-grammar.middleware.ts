import type { IncomingMessage, ServerResponse } from 'node:http';
import { exchangeOf, InvalidRequestException } from '@app/proxy';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import { ExpectationFailedException } from './exceptions.js';
import { expectsUnknown, grammarFault } from './request-grammar.js';

/** Refuses requests that Node's parser lets through and a gateway must not, and ends their connection. */
@Injectable()
export class RequestGrammarMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  use(request: IncomingMessage, _response: ServerResponse, next: () => void): void {
    const fault = grammarFault(request);
    if (fault !== undefined) {
      exchangeOf(request)!.endConnection();
      throw new InvalidRequestException(fault);
    }
    if (expectsUnknown(request)) {
      exchangeOf(request)!.endConnection();
      throw new ExpectationFailedException();
    }
    next();
  }
}
