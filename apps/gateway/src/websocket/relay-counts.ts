/** Who ended a relay. */
export type Closer = 'client' | 'service' | 'gateway';

/** What a relay counts. */
export interface RelayCounts {
  /** From the client. */
  messagesIn: number;
  bytesIn: number;
  /** To the client. */
  messagesOut: number;
  bytesOut: number;
  resumptions: number;
  /** Messages written to a service's connection that broke before it proved that they arrived. */
  unacknowledged: number;
  /** Messages of the client that were given up. */
  lost: number;
}

export function createCounts(): RelayCounts {
  return {
    messagesIn: 0,
    bytesIn: 0,
    messagesOut: 0,
    bytesOut: 0,
    resumptions: 0,
    unacknowledged: 0,
    lost: 0,
  };
}
