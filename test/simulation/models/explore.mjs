/**
 * A breadth-first explorer of small state models. It visits every state that a model can reach, checks the invariants in each
 * state, and gives the shortest path to the first state that violates one.
 */

/** States after which an exploration gives up: a model must stay small. */
const MOST_STATES = 200_000;

/**
 * Who takes a transition: the gateway and time go on by themselves, a peer (client, proxy, upstream) may stay silent for ever.
 * @typedef {'gateway' | 'time' | 'peer'} Actor
 *
 * `name` is `Class.method`, with a detail in parentheses if need be, or plain English if no method of the gateway takes part.
 * @typedef {{ name: string, by: Actor, next: object }} Transition
 *
 * `guarantee` is the number of the guarantee that the invariant is a part of.
 * @typedef {{ name: string, guarantee: string, holds: (state: any) => boolean }} Invariant
 *
 * States are plain JSON. `isFinal` says where the model may rest; by default where nothing can happen. `mustReach` has states
 * without which the model would be too tame to prove anything. `sources` has the file of each class of the transitions.
 * @typedef {{
 *   name: string, initial: object, actions: (state: any) => Transition[], invariants: Invariant[],
 *   isFinal?: (state: any) => boolean, mustReach: { name: string, holds: (state: any) => boolean }[],
 *   sources: Record<string, string>,
 * }} Model
 *
 * `path` has the names of the transitions from the initial state.
 * @typedef {{ invariant: string, guarantee: string, path: string[], state: object }} Violation
 *
 * @typedef {{
 *   name: string, states: number, transitions: number, names: Set<string>, violations: Violation[], unreached: string[],
 * }} Exploration
 */

/** What must hold in every model. */
export const COMMON_INVARIANTS = {
  WAIT: { name: 'every wait ends though the peers stay silent', guarantee: 'G9' },
  ENDLESS: { name: 'no run goes on for ever', guarantee: 'G9' },
  END: { name: 'an end can be reached from every state', guarantee: 'G9' },
};

/**
 * Explores all states of a model.
 * @param {Model} model
 * @returns {Exploration}
 * @throws {Error} if the model has more than `MOST_STATES` states
 */
export function explore(model) {
  const nodes = visitAll(model);
  const isFinal = ({ state, edges }) => model.isFinal?.(state) ?? edges.length === 0;
  const { WAIT, ENDLESS, END } = COMMON_INVARIANTS;
  const found = [
    ...model.invariants.map(({ holds, ...invariant }) => [
      invariant,
      nodes.findIndex(({ state }) => !holds(state)),
    ]),
    [WAIT, nodes.findIndex((node) => !isFinal(node) && node.edges.every(({ by }) => by === 'peer'))],
    [ENDLESS, findCycle(nodes)],
    [END, findEndless(nodes, isFinal)],
  ];
  return {
    name: model.name,
    states: nodes.length,
    transitions: nodes.reduce((sum, { edges }) => sum + edges.length, 0),
    names: new Set(nodes.flatMap(({ edges }) => edges.map(({ name }) => name))),
    violations: found
      .filter(([, index]) => index !== -1)
      .map(([invariant, index]) => toViolation(nodes, invariant, index)),
    unreached: model.mustReach
      .filter(({ holds }) => !nodes.some(({ state }) => holds(state)))
      .map(({ name }) => name),
  };
}

/**
 * Looks for a violation of one invariant, and explores no further than to the first.
 * @param {Model} model
 * @param {string} name of one of its invariants or of the common ones
 * @returns {Violation | undefined}
 */
export function refute(model, name) {
  const invariant = model.invariants.find((each) => each.name === name);
  if (!invariant) return explore(model).violations.find((each) => each.invariant === name);
  const nodes = visitAll(model, (state) => !invariant.holds(state));
  const last = nodes.length - 1;
  return invariant.holds(nodes[last].state) ? undefined : toViolation(nodes, invariant, last);
}

/** The state that was copied last: mostly it is copied again. */
let copied = {};

/**
 * A transition to a changed copy of a state.
 * @param {string} name
 * @param {Actor} by
 * @param {object} state
 * @param {(copy: any) => void} change
 * @returns {Transition}
 */
export function step(name, by, state, change) {
  // Not `structuredClone`, which is slower and keeps two references to one object as such.
  if (state !== copied.state) copied = { state, text: JSON.stringify(state) };
  const next = JSON.parse(copied.text);
  change(next);
  return { name, by, next };
}

/**
 * The states in breadth-first order, each with the transition by which it was found first.
 * @param {(state: any) => boolean} isLast ends the search with the state that it has found
 */
function visitAll({ name: model, initial, actions }, isLast = () => false) {
  const nodes = [];
  const indexes = new Map();
  const visit = (state, parent, via) => {
    // Mostly the keys have an order that came before, and need not be sorted.
    const text = JSON.stringify(state);
    let index = indexes.get(text);
    if (index !== undefined) return index;
    const key = canonical(state);
    index = indexes.get(key) ?? nodes.length;
    indexes.set(text, index).set(key, index);
    if (index === MOST_STATES) throw new Error(`${model} has more than ${MOST_STATES} states`);
    if (index === nodes.length) nodes.push({ state, parent, via, edges: [] });
    return index;
  };
  visit(initial, -1, '');
  for (let index = 0; index < nodes.length && !isLast(nodes.at(-1).state); index++) {
    const { state, edges } = nodes[index];
    for (const { name, by, next } of actions(state)) {
      edges.push({ name, by, to: visit(next, index, name) });
      if (isLast(nodes.at(-1).state)) break;
    }
  }
  return nodes;
}

/** JSON whose keys are sorted, so that equal states have equal keys. */
function canonical(value) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const keys = Object.keys(value).toSorted();
  return `{${keys.map((key) => `"${key}":${canonical(value[key])}`).join()}}`;
}

function toViolation(nodes, { name: invariant, guarantee }, index) {
  const path = [];
  for (let at = index; at > 0; at = nodes[at].parent) path.unshift(nodes[at].via);
  return { invariant, guarantee, path, state: nodes[index].state };
}

/** @returns a state from which a run comes back to it; -1 if there is none */
function findCycle(nodes) {
  const [OPEN, DONE] = [1, 2];
  const marks = new Uint8Array(nodes.length);
  const stack = [{ index: 0, edge: 0 }];
  marks[0] = OPEN;
  while (stack.length > 0) {
    const top = stack.at(-1);
    const edge = nodes[top.index].edges[top.edge++];
    if (edge === undefined) {
      marks[top.index] = DONE;
      stack.pop();
    } else if (marks[edge.to] === OPEN) {
      return edge.to;
    } else if (marks[edge.to] !== DONE) {
      marks[edge.to] = OPEN;
      stack.push({ index: edge.to, edge: 0 });
    }
  }
  return -1;
}

/** @returns the first state from which no final state can be reached; -1 if there is none */
function findEndless(nodes, isFinal) {
  const sources = nodes.map(() => []);
  for (const [index, { edges }] of nodes.entries()) for (const { to } of edges) sources[to].push(index);
  const reaches = new Uint8Array(nodes.length);
  const queue = [...nodes.keys()].filter((index) => isFinal(nodes[index]));
  for (const index of queue) reaches[index] = 1;
  while (queue.length > 0) {
    for (const source of sources[queue.pop()]) {
      if (reaches[source] === 1) continue;
      reaches[source] = 1;
      queue.push(source);
    }
  }
  return reaches.indexOf(0);
}
