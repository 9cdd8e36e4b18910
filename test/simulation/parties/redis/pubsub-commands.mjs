import { Push, ReplyError } from './resp.mjs';

const NO_CHANNELS = 'NOPERM this user has no permissions to access one of the channels used as arguments';

/** SUBSCRIBE and PSUBSCRIBE: one reply for each name. */
const subscribe = (add) => (call) => {
  const { server, connection, args } = call;
  if (server.rights.deniesChannels) throw new ReplyError(NO_CHANNELS);
  const [name, ...channels] = args;
  for (const channel of channels) {
    server.subscriptions[add](connection, channel);
    connection.reply(new Push([name.toLowerCase(), channel, connection.subscriptionCount]));
  }
};

/** UNSUBSCRIBE and PUNSUBSCRIBE: from all without a name. */
const unsubscribe = (remove, from) => (call) => {
  const { server, connection, args } = call;
  const [name, ...named] = args;
  const channels = named.length > 0 ? named : [...connection[from]];
  for (const channel of channels) {
    server.subscriptions[remove](connection, channel);
    connection.reply(new Push([name.toLowerCase(), channel, connection.subscriptionCount]));
  }
  if (channels.length > 0) return;
  connection.reply(new Push([name.toLowerCase(), null, connection.subscriptionCount]));
};

const FLAGS = 'pubsub noscript loading stale';

export const PUBSUB_COMMANDS = {
  subscribe: { arity: -2, flags: FLAGS, run: subscribe('subscribe') },
  psubscribe: { arity: -2, flags: FLAGS, run: subscribe('subscribePattern') },
  unsubscribe: { arity: -1, flags: FLAGS, run: unsubscribe('unsubscribe', 'channels') },
  punsubscribe: { arity: -1, flags: FLAGS, run: unsubscribe('unsubscribePattern', 'patterns') },
  publish: {
    arity: 3,
    flags: 'loading stale',
    run: ({ server, args: [, channel, message] }) => server.publish(channel, message),
  },
};
