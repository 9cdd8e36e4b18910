import { isSendableId, positionOf } from './event-id.js';

describe('the position of an event', () => {
  it.each([
    ['id: 7\ndata: a\n\n', '7', true],
    ['data: a\r\nid:7\r\n\r\n', '7', true],
    ['id:  7 \rdata\r\r', ' 7 ', true],
    ['id\ndata: a\n\n', '', true],
    ['id: 1\nid: 2\n\n', '2', false],
    ['id: 1\nid: a\0b\n\n', '1', false],
    ['idea: 1\ndatabase: 2\n id: 3\n\n', undefined, false],
    [': id: 4\n\n', undefined, false],
    ['event: ping\ndata: {}\n\n', undefined, true],
  ])('of %j has the id %j', (event, id, hasData) => {
    expect(positionOf(event)).toEqual({ id, hasData });
  });

  it.each([
    ['7', true],
    ['a b\tc', true],
    ['\xe2\x82\xac', true],
    ['x'.repeat(1_024), true],
    ['', false],
    [' a', false],
    ['a ', false],
    ['a\u0001', false],
    ['x'.repeat(1_025), false],
  ])('can be asked for by %j: %s', (id, isSendable) => {
    expect(isSendableId(id)).toBe(isSendable);
  });
});
