/** Addresses of a simulation: `10.<gateway>` is the network of a gateway. */
const PARTIES = [
  [/^10\.(\d+)\.0\.1:/, (gateway) => `gateway ${gateway}`],
  [/^10\.\d+\.1\.(\d+):/, (instance) => `instance ${instance}`],
  [/^10\.\d+\.9\.1:/, () => 'redis'],
];

/** The party that listens at an address. */
export function partyAt(address) {
  for (const [pattern, name] of PARTIES) {
    const match = pattern.exec(address);
    if (match) return name(match[1]);
  }
  return address;
}

/** Only gateways dial from the network of a gateway. */
export const gatewayOf = (address) => `gateway ${/^10\.(\d+)\./.exec(address)?.[1]}`;

/** Whether a socket belongs to a gateway: it was accepted at one, or has dialled a service or Redis. */
export function isGatewayEnd({ isAccepted, dialled }) {
  return isAccepted === dialled.endsWith('.0.1:8080');
}

/** Whether a socket is the gateway's end of a connection to an instance. */
export const isUpstreamEnd = (socket) => isGatewayEnd(socket) && /^10\.\d+\.1\./.test(socket.dialled);
