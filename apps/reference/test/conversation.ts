import { Database } from '../src/database.js';
import type { ServiceConfig } from '../src/service.config.js';
import { startService, type makeUser, type RunningService } from './running-service.js';

type User = ReturnType<typeof makeUser>;

/** auth-service, and a service that asks it for memberships. */
export class Conversations implements AsyncDisposable {
  private constructor(
    readonly auth: RunningService,
    readonly service: RunningService,
  ) {}

  /** @param config of the service, beside the address of auth-service */
  static async start(
    service: ServiceConfig['service'],
    config: Partial<ServiceConfig> = {},
  ): Promise<Conversations> {
    const auth = await startService('auth');
    const authServiceUrls = config.authServiceUrls ?? [auth.url];
    return new Conversations(auth, await startService(service, { ...config, authServiceUrls }));
  }

  /** Creates accounts of these users and a conversation, and returns its id. */
  async create(owner: User, ...others: User[]): Promise<string> {
    const database = this.auth.app.get(Database);
    for (const { id } of [owner, ...others]) {
      database.run`
        INSERT OR IGNORE INTO users (id, email, username, password, created_at, updated_at)
        VALUES (${id}, ${`${id}@example.org`}, ${id}, '', '', '')`;
    }
    const { status, body } = await this.auth.send('POST', '/v1/conversations', owner.token, {
      participant_ids: others.map(({ id }) => id),
    });
    if (status !== 201) throw new Error(`the conversation was not created: status ${status}`);
    return body.data.id as string;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
    await this.auth[Symbol.asyncDispose]();
  }
}
