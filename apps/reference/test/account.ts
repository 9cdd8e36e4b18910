import { PasswordService } from '../src/auth/password.service.js';
import { Database } from '../src/database.js';
import { startService, type Answer, type RunningService, type TestConfig } from './running-service.js';

export const ada = { email: 'ada@example.org', username: 'ada', password: 'correct horse' };
export const NEXT = 'battery staple';

/** A running auth-service on which Ada has registered. */
export class Account implements AsyncDisposable {
  private constructor(
    private readonly service: RunningService,
    private readonly token: string,
  ) {}

  static async create(config: TestConfig = {}): Promise<Account> {
    const service = await startService('auth', config);
    const { body } = await service.send('POST', '/v1/auth/register', undefined, ada);
    return new Account(service, body.data.access_token as string);
  }

  get database(): Database {
    return this.service.app.get(Database);
  }

  get passwords(): PasswordService {
    return this.service.app.get(PasswordService);
  }

  post(path: string, body: unknown): Promise<Answer> {
    return this.service.send('POST', `/v1/auth/${path}`, undefined, body);
  }

  login(password: string, email = ada.email): Promise<Answer> {
    return this.post('login', { email, password });
  }

  /** A request of Ada, by default in the session of her registration. */
  me(path: string, body: unknown, token = this.token): Promise<Answer> {
    return this.service.send('POST', `/v1/users/me/${path}`, token, body);
  }

  changePassword(current: string, next: string, token = this.token): Promise<Answer> {
    return this.me('password', { current_password: current, new_password: next }, token);
  }

  /** The token of the last letter for this purpose. */
  letter(purpose: string): string | undefined {
    type Row = { token: string };
    return this.database.row<Row>`SELECT token FROM mail_outbox WHERE purpose = ${purpose}`?.token;
  }

  async askForReset(): Promise<string> {
    await this.post('password-reset/request', { email: ada.email });
    return this.letter('password-reset')!;
  }

  confirmReset(token: string, password = NEXT): Promise<Answer> {
    return this.post('password-reset/confirm', { token, new_password: password });
  }

  async askForEmailChange(password: string): Promise<string> {
    await this.me('email', { new_email: 'countess@example.org', password });
    return this.letter('email-change')!;
  }

  /** Whether either token of a session is still accepted. */
  async accepts({ access_token, refresh_token }: Record<string, string>): Promise<boolean> {
    const profile = await this.service.send('GET', '/v1/auth/profile', access_token);
    const refreshed = await this.post('refresh', { refresh_token });
    return profile.status !== 401 || refreshed.status !== 401;
  }

  /** Delays the next hash. `begun` resolves when it waits. */
  holdNextHash(): { begun: Promise<void>; release: () => void } {
    const { passwords } = this;
    const { derive } = passwords;
    const [begun, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    passwords.derive = async (password, salt) => {
      passwords.derive = derive;
      begun.resolve();
      await held.promise;
      return derive.call(passwords, password, salt);
    };
    return { begun: begun.promise, release: held.resolve };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
  }
}
