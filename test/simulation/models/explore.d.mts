export type Actor = 'gateway' | 'time' | 'peer';

export interface Transition {
  readonly name: string;
  readonly by: Actor;
  readonly next: object;
}

export interface Invariant {
  readonly name: string;
  readonly guarantee: string;
  readonly holds: (state: never) => boolean;
}

export interface Model {
  readonly name: string;
  readonly sources: Readonly<Record<string, string>>;
  readonly initial: object;
  readonly actions: (state: never) => Transition[];
  readonly invariants: readonly Invariant[];
  readonly isFinal?: (state: never) => boolean;
  readonly mustReach: readonly { readonly name: string; readonly holds: (state: never) => boolean }[];
}

export interface Violation {
  readonly invariant: string;
  readonly guarantee: string;
  readonly path: readonly string[];
  readonly state: object;
}

export interface Exploration {
  readonly name: string;
  readonly states: number;
  readonly transitions: number;
  readonly names: ReadonlySet<string>;
  readonly violations: readonly Violation[];
  readonly unreached: readonly string[];
}

export const COMMON_INVARIANTS: Readonly<
  Record<'WAIT' | 'ENDLESS' | 'END', { readonly name: string; readonly guarantee: string }>
>;
export function explore(model: Model): Exploration;
export function refute(model: Model, name: string): Violation | undefined;
export function step(name: string, by: Actor, state: object, change: (copy: never) => unknown): Transition;
