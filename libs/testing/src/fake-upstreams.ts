import { addressVariableFor } from '@app/gateway/internal';
import { settingNameOf, type UpstreamOptions } from '@app/proxy/internal';
import { FakeUpstream, type FakeUpstreamOptions } from './fake-upstream.js';
import { TestGatewayError } from './test-gateway.error.js';

type Variables = Readonly<Record<string, string | undefined>>;
type Addresses = Readonly<Record<string, readonly string[]>>;

/** Which upstreams of an application get a fake one, and how each responds. */
export interface FakePlan {
  /** All upstreams of the application. */
  readonly declared: readonly UpstreamOptions[];
  /** Options of fake upstreams, by name. */
  readonly options: Readonly<Record<string, Omit<FakeUpstreamOptions, 'name'>>>;
  /** Instances that the test gives itself, by upstream and by variable. */
  readonly addresses: Addresses;
  readonly variables: Variables;
  readonly waitMs: number | undefined;
}

/** The fake upstreams behind one gateway, by name. */
export class FakeUpstreams implements AsyncDisposable {
  private readonly all = new Map<string, FakeUpstream>();

  private constructor(private readonly plan: FakePlan) {}

  /**
   * Starts a fake upstream for each declared one, without those whose instances the test gives itself, and without optional ones
   * that it does not name.
   *
   * @throws TestGatewayError if the test names an upstream that the application does not have, or gives one instances too
   */
  static async start(plan: FakePlan): Promise<FakeUpstreams> {
    const upstreams = new FakeUpstreams(plan);
    upstreams.checkNames();
    for (const declared of plan.declared) if (upstreams.isFaked(declared)) await upstreams.startOne(declared);
    return upstreams;
  }

  /** The addresses of all instances, by the name of the upstream. */
  get addresses(): Addresses {
    return Object.fromEntries([...this.all].map(([name, { urls }]) => [name, urls]));
  }

  /** @throws TestGatewayError if there is no fake upstream of this name */
  get(name: string): FakeUpstream {
    const upstream = this.all.get(name);
    if (!upstream) throw unknown(name, [...this.all.keys()]);
    return upstream;
  }

  /** Whether an upstream is a fake one, or has instances that the test gives itself. */
  covers(name: string): boolean {
    return this.all.has(name) || this.isGiven(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.all.values()].map((upstream) => upstream[Symbol.asyncDispose]()));
  }

  private checkNames(): void {
    const names = this.plan.declared.map(({ name }) => name);
    for (const name of Object.keys(this.plan.options)) {
      if (!names.includes(name)) throw unknown(name, names);
      if (this.isGiven(name))
        throw new TestGatewayError(`The test gives ${name} both instances and a fake upstream`);
    }
  }

  private isFaked({ name, isOptional = false }: UpstreamOptions): boolean {
    return !this.isGiven(name) && (!isOptional || Object.hasOwn(this.plan.options, name));
  }

  private isGiven(name: string): boolean {
    const { addresses, variables } = this.plan;
    const isNamed = Object.keys(addresses).some((each) => settingNameOf(each) === settingNameOf(name));
    return isNamed || Boolean(variables[addressVariableFor(name)]);
  }

  private async startOne({ name, healthPath = '/health' }: UpstreamOptions): Promise<void> {
    const { options, waitMs } = this.plan;
    this.all.set(name, await FakeUpstream.start({ healthPath, waitMs, ...options[name], name }));
  }
}

function unknown(name: string, names: readonly string[]): TestGatewayError {
  const has = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
  return new TestGatewayError(`The application has no upstream ${name} that a test can fake: ${has}`);
}
