import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Exchange } from '../http/exchange.js';
import { createUpstreamHeaders } from './request-headers.js';

const OWN = [
  'X-Request-ID',
  'id-1',
  'X-Forwarded-For',
  '192.0.2.1',
  'X-Forwarded-Proto',
  'http',
  'X-Forwarded-Host',
  'api.example',
  'X-Forwarded-Port',
  '80',
];

const OPTIONS = { sendsForwarded: false };

describe('createUpstreamHeaders', () => {
  const exchangeOver = (socket: Socket, headers: Record<string, string>): Exchange => {
    const request = new IncomingMessage(socket);
    request.rawHeaders = Object.entries(headers).flat();
    request.headers = headers;
    const peer = { peerAddress: '192.0.2.1', isPeerTrusted: false, clientAddress: '203.0.113.7' };
    return new Exchange('id-1', request, new ServerResponse(request), peer);
  };

  it('says what the exchange knows: its id, its peer, its host', () => {
    const exchange = exchangeOver(new Socket(), { host: 'api.example', connection: 'x-one', 'x-one': '1' });

    expect(createUpstreamHeaders(exchange, OPTIONS)).toEqual(['host', 'api.example', ...OWN]);
  });

  it('says https of an encrypted connection', () => {
    const headers = createUpstreamHeaders(exchangeOver(new TLSSocket(new Socket()), {}), OPTIONS);

    expect(headers[headers.indexOf('X-Forwarded-Proto') + 1]).toBe('https');
  });

  it('names no host for a request without one', () => {
    expect(createUpstreamHeaders(exchangeOver(new Socket(), {}), OPTIONS)).toEqual([
      ...OWN.slice(0, -4),
      'X-Forwarded-Port',
      '80',
    ]);
  });
});
