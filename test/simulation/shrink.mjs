/** Most plays that a smaller plan is looked for in. */
const MOST_PLAYS = 120;

/** Lists of a plan that may lose elements. */
const LISTS = [
  (plan) => plan.clients,
  (plan) => plan.relays,
  (plan) => plan.streams,
  (plan) => plan.events,
  (plan) => plan.clients.map(({ requests }) => requests),
];

/**
 * Looks for a smaller plan that breaks the same guarantee: without some of its clients, relays, events and requests.
 * @param breaks plays a plan; whether the guarantee is broken
 */
export async function shrink(plan, breaks) {
  let smallest = plan;
  let plays = 0;
  const isSmaller = async (part) => {
    const smaller = structuredClone(smallest);
    if (!part(smaller)) return false;
    plays++;
    if (!(await breaks(smaller))) return false;
    smallest = smaller;
    return true;
  };
  for (;;) {
    let isChanged = false;
    for (const part of parts(smallest)) {
      if (plays >= MOST_PLAYS) return smallest;
      if (await isSmaller(part)) isChanged = true;
    }
    if (!isChanged) return smallest;
  }
}

/** Changes that each take something out of a plan: halves of a list first, then single elements. */
function* parts(plan) {
  for (const listOf of LISTS) {
    const lists = [listOf(plan)].flat(Array.isArray(listOf(plan)[0]) ? 1 : 0);
    const isNested = Array.isArray(listOf(plan)[0]);
    for (let number = 0; number < (isNested ? lists.length : 1); number++) {
      const at = (each) => (isNested ? listOf(each)[number] : listOf(each));
      const { length } = at(plan) ?? [];
      for (let size = Math.ceil(length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
        for (let from = 0; from < length; from += size) yield (each) => without(at(each), from, size);
      }
    }
  }
}

function without(list, from, size) {
  if (!list || list.length <= from) return false;
  list.splice(from, size);
  return true;
}
