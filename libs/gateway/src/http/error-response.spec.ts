import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import { OriginForbiddenException, OverloadedException } from './exceptions.js';
import { toErrorResponse, formatRawResponse } from './error-response.js';

describe('toErrorResponse', () => {
  it.each<[string, unknown, number, object]>([
    ["an exception in the contract's form", new HttpException({ error: 'No' }, 409), 409, { error: 'No' }],
    [
      'the fields that an exception adds',
      new HttpException({ error: 'Service unavailable', service: 'auth-service' }, 502),
      502,
      { error: 'Service unavailable', service: 'auth-service' },
    ],
    ['a text', new HttpException('Teapot', 418), 418, { error: 'Teapot' }],
    [
      "Nest's own exception",
      new BadRequestException('id must be a number'),
      400,
      { error: 'id must be a number' },
    ],
    [
      'the messages of a validation',
      new BadRequestException(['a is missing', 'b is missing']),
      400,
      { error: ['a is missing', 'b is missing'] },
    ],
    [
      "Nest's own 404, which repeats the path",
      new NotFoundException('Cannot GET /x?token=y'),
      404,
      { error: 'Not found' },
    ],
    [
      'an error of the process',
      new Error('/etc/secret of 10.0.0.7'),
      500,
      { error: 'Internal server error' },
    ],
    ['a thrown string', 'a string', 500, { error: 'Internal server error' }],
    ['undefined', undefined, 500, { error: 'Internal server error' }],
    [
      'an error with a status and a response of its own',
      Object.assign(new Error('leak'), { status: 200, response: { error: 'leak' } }),
      500,
      { error: 'Internal server error' },
    ],
  ])('makes the response to %s', (_name, exception, status, body) => {
    const response = toErrorResponse(exception, 'id-1');

    expect(response.status).toBe(status);
    expect(JSON.parse(response.body)).toEqual({ ...body, request_id: 'id-1' });
  });

  it.each<[string, unknown, readonly string[]]>([
    [
      'the code of a 5xx',
      new HttpException({ error: 'No' }, 502, { errorCode: 'UPSTREAM_UNREACHABLE' }),
      ['X-Gateway-Error', 'UPSTREAM_UNREACHABLE'],
    ],
    [
      'INTERNAL_ERROR for a 5xx without a code',
      new HttpException('No', 503),
      ['X-Gateway-Error', 'INTERNAL_ERROR'],
    ],
    ['INTERNAL_ERROR for an error of the process', new Error('x'), ['X-Gateway-Error', 'INTERNAL_ERROR']],
    [
      'INTERNAL_ERROR for a code that a header cannot carry',
      new HttpException('No', 500, { errorCode: 'a\r\nb' }),
      ['X-Gateway-Error', 'INTERNAL_ERROR'],
    ],
    ['nothing for a 4xx', new HttpException('No', 429, { errorCode: 'RATE_LIMITED' }), []],
    [
      'the code after the headers of the exception',
      new OverloadedException('memory'),
      ['Retry-After', '1', 'X-Gateway-Error', 'OVERLOADED'],
    ],
  ])('has as headers %s', (_name, exception, headers) => {
    expect(toErrorResponse(exception, 'id-1').headers).toEqual(headers);
  });

  it('tells a page of another origin why its request was refused', () => {
    expect(toErrorResponse(new OriginForbiddenException(), 'id-1')).toEqual({
      status: 403,
      body: '{"error":"Origin not allowed","request_id":"id-1"}',
      headers: [],
    });
  });
});

describe('formatRawResponse', () => {
  it('formats one complete response, whose length counts bytes', () => {
    const [head, body] = formatRawResponse(400, 'caf\u00e9').split('\r\n\r\n') as [string, string];

    expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n/);
    expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}`);
    expect(JSON.parse(body)).toEqual({ error: 'caf\u00e9' });
  });
});
