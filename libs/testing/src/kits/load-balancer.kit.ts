import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Exchange, type BalancerCandidate, type LoadBalancer } from '@app/proxy';
import { kitCase, type KitCase } from './kit-case.js';

const NOW = 1_000;

/** Attempts of a case; enough for any balancer to have picked each candidate. */
const ATTEMPTS = 1_000;

class Candidate implements BalancerCandidate {
  activeRequests = 0;

  constructor(readonly origin: string) {}

  load(): number {
    return this.activeRequests + 1;
  }
}

function candidates(count: number): Candidate[] {
  return Array.from({ length: count }, (_, index) => new Candidate(`http://10.0.0.${index + 1}:8080`));
}

/** An exchange without a connection. */
function exchangeFrom(clientAddress: string): Exchange {
  const request = Object.assign(new IncomingMessage(new Socket()), {
    method: 'GET',
    url: '/kit',
    headers: {},
  });
  const client = { peerAddress: clientAddress, isPeerTrusted: false, clientAddress };
  return new Exchange('kit', request, new ServerResponse(request), client);
}

const exchange = exchangeFrom('192.0.2.1');

/** What every `LoadBalancer` must do: pick one of the candidates, at once, whichever they are. */
export const loadBalancerKit: readonly KitCase<LoadBalancer>[] = [
  kitCase('picks one of the candidates', (balancer) => {
    for (const count of [2, 3, 5, 64]) {
      const all = candidates(count);
      for (let each = 0; each < 50; each++) assertOneOf(all, balancer.pick(all, exchange, NOW + each));
    }
  }),
  kitCase('picks one of the candidates, though others were there before', (balancer) => {
    const all = candidates(6);
    for (const some of [
      all,
      all.slice(0, 2),
      all.slice(4),
      all.slice(1, 4),
      all.toReversed(),
      candidates(3),
    ]) {
      for (let each = 0; each < 20; each++) assertOneOf(some, balancer.pick(some, exchange, NOW));
    }
  }),
  kitCase('picks one of the candidates for a WebSocket that is resumed', (balancer) => {
    const all = candidates(3);
    assertOneOf(all, balancer.pick(all, undefined, NOW));
  }),
  kitCase('picks one of the candidates though all are busy', (balancer) => {
    const all = candidates(3);
    for (const candidate of all) candidate.activeRequests = 100_000;
    assertOneOf(all, balancer.pick(all, exchange, NOW));
  }),
  kitCase('leaves the candidates as they are', (balancer) => {
    const all = candidates(4);
    const before = all.map(({ origin, activeRequests }) => ({ origin, activeRequests }));
    const given = [...all];
    for (let each = 0; each < 20; each++) balancer.pick(given, exchange, NOW);
    assert.deepEqual(given, all);
    assert.deepEqual(
      all.map(({ origin, activeRequests }) => ({ origin, activeRequests })),
      before,
    );
  }),
  kitCase('gives every candidate requests, from many clients', (balancer) => {
    const all = candidates(4);
    for (let each = 0; each < ATTEMPTS; each++) {
      const client = exchangeFrom(`192.0.${each >> 8}.${each & 255}`);
      (balancer.pick(all, client, NOW + each) as Candidate).activeRequests++;
    }
    const idle = all.filter(({ activeRequests }) => activeRequests === 0).map(({ origin }) => origin);
    assert.deepEqual(idle, [], 'these got no request');
  }),
];

function assertOneOf(all: readonly BalancerCandidate[], picked: unknown): void {
  assert.ok(!(picked instanceof Promise), 'the balancer returns a promise');
  assert.ok(
    all.some((candidate) => candidate === picked),
    'the balancer has picked none of the candidates',
  );
}
