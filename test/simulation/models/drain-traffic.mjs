import { step } from './explore.mjs';

/** What happens in the model of the drain to connections and to the WebSocket, whether the gateway drains or not. */

export const hasExchange = ({ request }) => request === 'open' || request === 'headersOut';
export const isConnected = ({ is }) => ['dialling', 'open', 'closing'].includes(is);

/** Ends a connection, with what is on it. */
export function cut(connection, when) {
  if (!connection.isOpen) return;
  connection.isOpen = false;
  if (hasExchange(connection)) connection.cut = when;
  if (connection.request === 'wire') connection.reset = connection.wasEarly ? 'early' : 'late';
  connection.request = null;
}

export function requestActions(state, index) {
  const { isOpen, request, sends, isTold } = state.connections[index];
  const act = (name, by, change) => step(name, by, state, (next) => change(next.connections[index], next));
  switch (request) {
    case null:
      if (sends === 0 || isTold) return [];
      return [
        act('a proxy sends a request', 'peer', (each) => {
          each.sends--;
          // The proxy has not read the end of the connection.
          if (!isOpen) each.reset = 'late';
          else Object.assign(each, { request: 'wire', age: 0, wasEarly: state.isListening });
        }),
      ];
    case 'wire':
      return [
        act('OpenExchanges.add', 'gateway', (each) => {
          Object.assign(each, { request: 'open', age: 0, quiet: 0, saysClose: state.endsConnections });
        }),
      ];
    case 'open':
      return [act('AttemptLoop.onHead', 'peer', (each) => void (each.request = 'headersOut'))];
    default:
      return [act('OpenExchanges.delete', 'peer', endExchange)];
  }
}

function endExchange(connection, next) {
  connection.request = null;
  if (!connection.saysClose) return;
  connection.isTold = true;
  connection.isOpen = false;
  if (next.comesBack === 'no') next.comesBack = 'soon';
}

/** A client that was told `Connection: close` comes back over a new connection. */
export function returnActions(state) {
  const { comesBack, isListening } = state;
  if (comesBack === 'soon') {
    return [
      step('a client connects again', 'peer', state, (next) => {
        next.comesBack = isListening ? 'waiting' : 'refused';
      }),
    ];
  }
  if (comesBack !== 'waiting') return [];
  return [
    step('the gateway accepts the connection', 'gateway', state, (next) => {
      next.comesBack = 'accepted';
    }),
  ];
}

export function relayActions(state, { closesLateRelays }) {
  const { relay, refusesNew } = state;
  const act = (name, by, change) => step(name, by, state, (next) => change(next.relay));
  switch (relay.is) {
    case 'none':
      if (refusesNew) return [];
      return [act('UpgradeMiddleware.open', 'peer', (next) => void (next.is = 'dialling'))];
    case 'dialling':
      return [
        act('Relays.add', 'peer', (next) => {
          Object.assign(next, { is: 'open', isLate: refusesNew });
          if (refusesNew && closesLateRelays) close1012(next);
        }),
        act('the upstream refuses the handshake', 'peer', (next) => void (next.is = 'refused')),
      ];
    case 'open':
      return [
        act('Relay.onClientClose', 'peer', (next) => {
          Object.assign(next, { is: 'closed', leftByItself: true, toClose: false });
        }),
        ...(relay.toClose ? [act('Relay.close', 'gateway', close1012)] : []),
      ];
    case 'closing':
      return [act('Relay.finish', 'peer', (next) => void (next.is = 'closed'))];
    default:
      return [];
  }
}

function close1012(relay) {
  Object.assign(relay, { is: 'closing', got1012: true, toClose: false });
}
