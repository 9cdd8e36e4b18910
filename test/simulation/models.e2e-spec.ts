import { readFile } from 'node:fs/promises';
import ts from 'typescript';
import {
  COMMON_INVARIANTS,
  explore,
  refute,
  step,
  type Actor,
  type Exploration,
  type Model,
} from './models/explore.mjs';
import { MODELS } from './models/models.mjs';

/** `Class.method`, with a detail in parentheses or without. */
const METHOD = /^(?<owner>[A-Z]\w*)\.(?<method>\w+)(?: \(.+\))?$/;

/** The methods that a class declares, arrow functions in properties included. */
async function methodsOf(path: string, name: string): Promise<Set<string>> {
  const source = ts.createSourceFile(path, await readFile(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const declared = source.statements.find(
    (node): node is ts.ClassDeclaration => ts.isClassDeclaration(node) && node.name?.text === name,
  );
  const methods = (declared?.members ?? []).filter(
    (member) =>
      ts.isMethodDeclaration(member) ||
      (ts.isPropertyDeclaration(member) && member.initializer && ts.isArrowFunction(member.initializer)),
  );
  return new Set(methods.map((member) => member.name!.getText()));
}

describe.each(MODELS.map((entry) => ({ ...entry, model: entry.create() })))(
  'the model of $model.name',
  ({ model, create, mutants, deviations }) => {
    let exploration: Exploration;
    beforeAll(() => {
      exploration = explore(model);
    });

    it('holds in every state', () => {
      expect(exploration.violations).toEqual([]);
    });

    it('reaches what it must', () => {
      expect(exploration.unreached).toEqual([]);
    });

    it('names each transition as the code does', async () => {
      const found: Record<string, string[]> = {};
      const declared: Record<string, string[]> = {};
      for (const name of exploration.names) {
        const { owner, method } = METHOD.exec(name)?.groups ?? {};
        if (owner === undefined) continue;
        (found[owner] ??= []).push(method!);
      }
      for (const [owner, methods] of Object.entries(found)) {
        const all = await methodsOf(model.sources[owner]!, owner);
        declared[owner] = methods.filter((method) => all.has(method));
      }

      expect(Object.keys(found).toSorted()).toEqual(Object.keys(model.sources).toSorted());
      expect(found).toEqual(declared);
    });

    it.each(mutants)('refutes that $change', ({ rules, invariant }) => {
      expect(refute(create(rules), invariant)).toMatchObject({ invariant });
    });

    // If the code comes to promise one of these, it becomes a rule of the model.
    it('does not promise more than the code does', () => {
      for (const { rules, invariant } of deviations)
        expect(refute(create(rules), invariant)).toMatchObject({ invariant });
    });

    it('has a mutant for each invariant', () => {
      const refuted = new Set(mutants.map(({ invariant }) => invariant));

      expect(model.invariants.map(({ name }) => name).filter((name) => !refuted.has(name))).toEqual([]);
    });
  },
);

/** A model whose states are numbers: each pair leads from one to another. */
function toModel(pairs: [from: number, to: number, by?: Actor][], more: Partial<Model> = {}): Model {
  return {
    name: 'numbers',
    sources: {},
    initial: { at: 0 },
    actions: ({ at }: { at: number }) =>
      pairs
        .filter(([from]) => from === at)
        .map(([from, to, by = 'gateway']) =>
          step(`${from} to ${to}`, by, { at }, (next: { at: number }) => (next.at = to)),
        ),
    invariants: [],
    mustReach: [],
    ...more,
  };
}

const at =
  (...numbers: number[]) =>
  (state: { at: number }): boolean =>
    numbers.includes(state.at);

describe('an exploration', () => {
  it('counts states and transitions, and finds no fault in a model without one', () => {
    const pairs: [number, number][] = [
      [0, 1],
      [0, 2],
      [1, 3],
      [2, 3],
    ];

    expect(explore(toModel(pairs))).toMatchObject({ states: 4, transitions: 4, violations: [] });
  });

  it('finds the shortest path to the violation of an invariant', () => {
    const pairs: [number, number][] = [
      [0, 1],
      [1, 2],
      [2, 3],
      [0, 4],
      [4, 3],
    ];
    const invariants = [
      { name: 'is not 3', guarantee: 'G0', holds: ({ at: number }: { at: number }) => number !== 3 },
    ];
    const expected = { invariant: 'is not 3', guarantee: 'G0', path: ['0 to 4', '4 to 3'], state: { at: 3 } };

    expect(explore(toModel(pairs, { invariants })).violations).toEqual([expected]);
    expect(refute(toModel(pairs, { invariants }), 'is not 3')).toEqual(expected);
  });

  it.each<[string, string, [number, number, Actor?][], number[], string[]]>([
    [
      'a wait for a peer',
      COMMON_INVARIANTS.WAIT.name,
      [
        [0, 1],
        [1, 2, 'peer'],
      ],
      [2],
      ['0 to 1'],
    ],
    [
      'a state without an end',
      COMMON_INVARIANTS.WAIT.name,
      [
        [0, 1],
        [0, 2],
      ],
      [2],
      ['0 to 1'],
    ],
    [
      'a run without an end',
      COMMON_INVARIANTS.ENDLESS.name,
      [
        [0, 1],
        [1, 0],
        [1, 2],
      ],
      [2],
      [],
    ],
    [
      'a trap',
      COMMON_INVARIANTS.END.name,
      [
        [0, 1],
        [0, 2],
        [1, 3],
        [3, 1],
      ],
      [2],
      ['0 to 1'],
    ],
  ])('finds %s', (_what, invariant, pairs, final, path) => {
    const model = toModel(pairs, { isFinal: at(...final) });

    expect(explore(model).violations).toContainEqual(expect.objectContaining({ invariant, path }));
    expect(refute(model, invariant)).toMatchObject({ invariant });
  });

  it('tells what was not reached', () => {
    const mustReach = [
      { name: 'one', holds: at(1) },
      { name: 'five', holds: at(5) },
    ];

    expect(explore(toModel([[0, 1]], { mustReach })).unreached).toEqual(['five']);
  });

  it('gives up on a model that is not small', () => {
    const actions = ({ at: number }: { at: number }): ReturnType<Model['actions']> => [
      { name: 'on', by: 'gateway', next: { at: number + 1 } },
    ];

    expect(() => explore(toModel([], { actions }))).toThrow('numbers has more than 200000 states');
  });
});
