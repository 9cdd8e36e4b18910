import type { IncomingMessage, ServerResponse } from 'node:http';
import { exchangeOf, InvalidRequestException } from '@app/proxy';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import { ExpectationFailedException } from './exceptions.js';
import { expectsUnknown, grammarFault } from './request-grammar.js';

/** Refuses requests that Node's parser accepts and a gateway must not forward, and ends their connection. */
@Injectable()
export class RequestGrammarMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  /** @throws InvalidRequestException, ExpectationFailedException */
  use(request: IncomingMessage, _response: ServerResponse, next: () => void): void {
    const reason = grammarFault(request);
    if (reason !== undefined) {
      exchangeOf(request)!.endConnection();
      throw new InvalidRequestException(reason);
    }
    if (expectsUnknown(request)) {
      exchangeOf(request)!.endConnection();
      throw new ExpectationFailedException();
    }
    next();
  }
}
