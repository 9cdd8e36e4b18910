import type { IncomingMessage, ServerResponse } from 'node:http';
import { ERROR_RESPONDER, type Responder } from '../http/responder.js';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { ErrorResponder } from './error.responder.js';

/**
 * The responder in use: a team's, if a module provides one, else the gateway's own, which also takes over if it throws.
 */
@Injectable()
export class ActiveResponder implements Responder, OnModuleInit {
  private readonly logger = new Logger(ActiveResponder.name);
  private responder: Responder;

  constructor(
    private readonly own: ErrorResponder,
    private readonly discovery: DiscoveryService,
  ) {
    this.responder = own;
  }

  onModuleInit(): void {
    const replacement = this.discovery.getProviders().find(({ token }) => token === ERROR_RESPONDER);
    if (replacement) this.responder = replacement.instance as Responder;
  }

  respond(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    const takeOver = (error: unknown): void => {
      this.logger.error({ message: 'error responder failed', err: error });
      this.own.respond(request, response, thrown);
    };
    try {
      // The type allows an asynchronous one too.
      const result: unknown = this.responder.respond(request, response, thrown);
      if (result instanceof Promise) result.catch(takeOver);
    } catch (error) {
      takeOver(error);
    }
  }
}
