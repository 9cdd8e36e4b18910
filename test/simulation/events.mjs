import { revocationsOf } from './guarantees/revocation.mjs';
import { isGatewayEnd, isUpstreamEnd } from './kernel/addresses.mjs';

/** Events that break responses of services. */
export const UPSTREAM_EVENTS = new Set([
  'killInstance',
  'restartInstance',
  'hangInstance',
  'cutUpstream',
  'stallUpstream',
  'loseDials',
]);

const after = (ms, run) => {
  setTimeout(() => run(), ms);
};

/** What happens to the parties of a play, by its kind: see `plan.mjs`. */
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
  loseDials({ network, instances }, pick, { backAfterMs }) {
    const instance = pick(instances);
    instance.note('loses dials');
    network.loseDials(instance, backAfterMs);
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
  revoke({ redis, sessions, ledger, trace }, pick, { choice }) {
    const revocation = revocationsOf(pick(sessions))[choice % 2];
    trace.note('auth', `revokes ${revocation.kind} ${revocation.id}`);
    ledger.addRedisRevocation(revocation);
    redis.set(revocation.key, 'revoked', { px: 900_000 });
  },
  redisFault({ redis, ledger, trace }, pick, { backAfterMs, choice }) {
    const name = pick(Object.keys(REDIS_FAULTS));
    trace.note('redis', name);
    const end = REDIS_FAULTS[name](redis, choice);
    ledger.addRedisFault(name, LASTS_MS[name] ?? backAfterMs);
    if (end) after(backAfterMs, end);
  },
  setClock({ clock, trace }, pick) {
    clock.dateOffset += pick([-3_600_000, -5_000, 5_000, 3_600_000]);
    trace.note('clock', `differs by ${clock.dateOffset} ms`);
  },
};

/** Longer than the interval in which a gateway proves that notifications come, in milliseconds. */
const PROOF_MS = 11_000;

/** How long those faults of Redis last that end by themselves, at most, in milliseconds. */
const LASTS_MS = { losesNotifications: PROOF_MS, restarts: 2_700, failsOver: 1_000, isDemoted: 0 };

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

const upstreamSockets = ({ network }) => [...network.sockets].filter(isUpstreamEnd);
