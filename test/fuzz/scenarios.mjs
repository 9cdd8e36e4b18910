/** What clients do once they have sent everything, or before. */
const ENDINGS = { polite: 5, halfClose: 2, cut: 2, leave: 1 };

/** How services answer requests and handshakes, and what happens to a socket that they have opened. */
const ANSWERS = {
  valid: 8,
  mutated: 2,
  extra: 2,
  wrongLength: 2,
  informational: 1,
  early: 1,
  cut: 2,
  refused: 0.5,
  deaf: 0.3,
  silent: 0.2,
  switched: 0.3,
};
const HANDSHAKES = { accepted: 8, refused: 3, mutated: 1, cut: 1, informational: 0.5, silent: 0.2 };
const SOCKETS = { echo: 8, closes: 2, mutated: 2, reset: 1, halfClose: 1, masked: 0.3, flood: 0.2 };

const BASE = {
  clients: { http: 6, websocket: 4 },
  services: { auth: 3, chat: 3, video: 2, storage: 2, gateway: 0.5 },
  /** Of the clients, whose bytes are changed. */
  mutatedShare: 0.35,
  endings: ENDINGS,
  /** Most requests that a client sends over its connection. */
  requests: 6,
  answers: ANSWERS,
  handshakes: HANDSHAKES,
  sockets: SOCKETS,
};

/** What the batches are made of, by name. */
export const SCENARIOS = {
  mixed: BASE,
  requests: {
    ...BASE,
    clients: { http: 1 },
    mutatedShare: 0.8,
    answers: { valid: 1, early: 0.2 },
  },
  lies: {
    ...BASE,
    clients: { http: 1 },
    services: { auth: 1, chat: 4 },
    mutatedShare: 0,
    endings: { polite: 1 },
    answers: { ...ANSWERS, extra: 6, wrongLength: 4, informational: 1 },
  },
  refusals: {
    ...BASE,
    clients: { websocket: 1 },
    mutatedShare: 0.1,
    endings: { polite: 4, halfClose: 3, cut: 1, leave: 1 },
    handshakes: { ...HANDSHAKES, refused: 20 },
  },
  sockets: { ...BASE, clients: { websocket: 1 }, handshakes: { accepted: 1 } },
  cuts: { ...BASE, endings: { cut: 4, leave: 3, halfClose: 3, polite: 1 }, answers: { ...ANSWERS, cut: 8 } },
  pipelining: {
    ...BASE,
    clients: { http: 1 },
    services: { auth: 5, gateway: 1 },
    mutatedShare: 0.1,
    requests: 120,
  },
  held: { ...BASE, endings: { ...ENDINGS, hold: 6 }, answers: { ...ANSWERS, silent: 3, deaf: 3 } },
};
