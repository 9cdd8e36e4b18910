import { isGatewayEnd } from './kernel/addresses.mjs';

const after = (ms, run) => {
  setTimeout(() => run(), ms);
};

/** What happens at a moment of a plan, by its kind. */
export const EVENTS = {
  killInstance({ instances }, pick, { backAfterMs }) {
    const instance = pick(instances);
    instance.kill();
    after(backAfterMs, () => instance.start());
  },
  restartInstance({ instances }, pick, { backAfterMs }) {
    const instance = pick(instances);
    instance.terminate();
    after(backAfterMs, () => instance.start());
  },
  hangInstance({ instances }, pick, { backAfterMs }) {
    const instance = pick(instances);
    instance.hang();
    after(backAfterMs, () => instance.start());
  },
  cutUpstream(world, pick) {
    const socket = pick(upstreamSockets(world));
    if (socket) world.network.cut(socket);
  },
  stallUpstream(world, pick, { backAfterMs }) {
    const socket = pick(upstreamSockets(world));
    if (socket) world.network.stall(socket.otherEnd ?? socket, backAfterMs);
  },
  cutClient(world, pick) {
    const socket = pick([...world.network.sockets].filter((each) => !each.isAccepted && !isGatewayEnd(each)));
    if (!socket) return;
    world.network.cut(socket);
  },
  terminateGateway({ gateways }, pick, { backAfterMs }) {
    const gateway = pick(gateways);
    if (gateway.state !== 'up') return;
    void gateway.terminate().then(() => after(backAfterMs, () => void gateway.start()));
  },
  killGateway({ gateways }, pick, { backAfterMs }) {
    const gateway = pick(gateways);
    if (gateway.state !== 'up' && gateway.state !== 'draining') return;
    gateway.kill();
    after(backAfterMs, () => void gateway.start());
  },
  revoke({ redis, sessions, trace }, pick, { choice }) {
    const { tokenId, sessionId } = pick(sessions);
    const name = choice % 2 === 0 ? tokenId : `session:${sessionId}`;
    trace.note('auth', `revokes ${name}`);
    redis.set(`blacklist:${name}`, 'revoked', { px: 900_000 });
  },
  redisFault({ redis, trace }, pick, { backAfterMs, choice }) {
    const name = pick(Object.keys(REDIS_FAULTS));
    trace.note('redis', name);
    const end = REDIS_FAULTS[name](redis, choice);
    if (end) after(backAfterMs, end);
  },
  setClock({ clock, trace }, pick) {
    clock.dateOffset += pick([-3_600_000, -5_000, 5_000, 3_600_000]);
    trace.note('clock', `differs by ${clock.dateOffset} ms`);
  },
};

/** Longer than the interval in which a gateway proves that notifications come, in milliseconds. */
const PROOF_MS = 11_000;

/** Faults of Redis. Each returns what ends it, unless it ends by itself. */
const REDIS_FAULTS = {
  isSlow(redis, choice) {
    redis.delay(20 + (choice % 400));
    return () => redis.delay(0);
  },
  hangs(redis) {
    redis.stopResponding();
    return () => redis.resume();
  },
  refusesWrites(redis, choice) {
    redis.refuseWrites(['READONLY', 'NOREPLICAS', 'OOM', 'LOADING'][choice % 4]);
    return () => redis.refuseWrites(undefined);
  },
  losesNotifications(redis) {
    redis.loseNotifications(true);
    // Until each gateway has proven that they come, see `RevocationStore`. What is lost between two proofs stays unknown.
    after(PROOF_MS, () => redis.loseNotifications(false));
  },
  restarts(redis, choice) {
    redis.restart({ downMs: choice % 2_000, loadingMs: choice % 700 });
  },
  failsOver(redis, choice) {
    redis.failover({ losesLastMs: choice % 500, downMs: choice % 1_000 });
  },
  isDemoted(redis) {
    redis.failover({ keepsConnections: true });
  },
};

const upstreamSockets = ({ network }) =>
  [...network.sockets].filter((socket) => isGatewayEnd(socket) && /^10\.\d+\.1\./.test(socket.dialled));
