import {
  Injectable,
  StreamableFile,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { map, type Observable } from 'rxjs';

/** Marks a handler whose response has no envelope. */
export const Unwrapped = Reflector.createDecorator<void, true>({ transform: () => true });

/** Wraps the result of a handler: `{"success":true,"data":...}`. */
@Injectable()
export class EnvelopeInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (this.reflector.get(Unwrapped, context.getHandler())) return next.handle();
    return next
      .handle()
      .pipe(
        map((data: unknown) =>
          data instanceof StreamableFile ? data : { success: true, data: data ?? null },
        ),
      );
  }
}
