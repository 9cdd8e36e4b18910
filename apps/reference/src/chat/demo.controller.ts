import { readFileSync } from 'node:fs';
import { Controller, Get, Header } from '@nestjs/common';
import { Unwrapped } from '../envelope.interceptor.js';
import { Public } from '../tokens/access-token.guard.js';

const PAGE = readFileSync(new URL('demo.page.html', import.meta.url), 'utf8');

/** A demo page: a chat of two users, and a call between two tabs. */
@Controller('demo')
export class DemoController {
  @Get()
  @Public()
  @Unwrapped()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header(
    'Content-Security-Policy',
    "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self' ws: wss:; img-src data:; frame-ancestors 'none'; base-uri 'none'",
  )
  @Header('Referrer-Policy', 'no-referrer')
  @Header('X-Content-Type-Options', 'nosniff')
  read(): string {
    return PAGE;
  }
}
