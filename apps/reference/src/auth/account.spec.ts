import { startService, type Answer, type RunningService } from '../../test/running-service.js';
import { Database } from '../database.js';
import { PasswordService } from './password.service.js';

const ada = { email: 'ada@example.org', username: 'ada', password: 'correct horse' };
const NEXT = 'battery staple';

/** A running auth-service on which Ada has registered. */
class Account implements AsyncDisposable {
  private constructor(
    private readonly service: RunningService,
    private readonly token: string,
  ) {}

  static async create(): Promise<Account> {
    const service = await startService('auth');
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

  /** As Ada, in the session of her registration. */
  me(path: string, body: unknown): Promise<Answer> {
    return this.service.send('POST', `/v1/users/me/${path}`, this.token, body);
  }

  changePassword(current: string, next: string): Promise<Answer> {
    return this.me('password', { current_password: current, new_password: next });
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

  /** Keeps the next hash waiting; `begun` once it waits. */
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

const INVALID_TOKEN = { status: 400, body: { error: { code: 'INVALID_TOKEN' } } };

describe('a letter', () => {
  it.each<[string, (account: Account) => Promise<Answer>]>([
    ['password', (account) => account.changePassword(ada.password, NEXT)],
    [
      'e-mail',
      async (account) => account.me('email/verify', { token: await account.askForEmailChange(ada.password) }),
    ],
  ])('that resets the password is void after any later change of the %s', async (_what, change) => {
    await using account = await Account.create();
    const token = await account.askForReset();

    expect((await change(account)).status).toBe(200);

    expect(await account.confirmReset(token, 'a third password')).toMatchObject(INVALID_TOKEN);
    expect((await account.login('a third password')).status).toBe(401);
  });

  it('that changes the e-mail is void after a change and a reset of the password', async () => {
    await using account = await Account.create();
    const first = await account.askForEmailChange(ada.password);
    await account.changePassword(ada.password, NEXT);
    expect(await account.me('email/verify', { token: first })).toMatchObject(INVALID_TOKEN);

    await account.askForEmailChange(NEXT);
    await account.confirmReset(await account.askForReset(), ada.password);
    expect(account.letter('email-change')).toBeUndefined();
  });

  it('that is being redeemed while the password changes does not change it back', async () => {
    await using account = await Account.create();
    const token = await account.askForReset();
    const { begun, release } = account.holdNextHash();
    const confirmed = account.confirmReset(token, 'a third password');
    await begun;
    expect((await account.changePassword(ada.password, NEXT)).status).toBe(200);

    release();

    expect(await confirmed).toMatchObject(INVALID_TOKEN);
    expect((await account.login(NEXT)).status).toBe(200);
  });

  it('resets the password once, of two at the same time', async () => {
    await using account = await Account.create();
    const token = await account.askForReset();

    const both = await Promise.all([account.confirmReset(token), account.confirmReset(token)]);

    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 400]));
  });
});

describe('a login that races with', () => {
  it.each<[string, (account: Account) => Promise<Answer>]>([
    ['a change of the password', (account) => account.changePassword(ada.password, NEXT)],
    ['a reset', async (account) => account.confirmReset(await account.askForReset())],
  ])('%s opens no session that is accepted afterwards', async (_what, change) => {
    await using account = await Account.create();

    const logins: Answer[] = [];
    const over = new AbortController();
    const keepTrying = async (): Promise<void> => {
      do logins.push(await account.login(ada.password));
      while (!over.signal.aborted);
    };
    const clients = Array.from({ length: 12 }, keepTrying);
    const changed = await change(account).finally(() => over.abort());
    await Promise.all(clients);

    expect(changed.status).toBe(200);
    const opened = logins.filter(({ status }) => status === 200).map(({ body }) => body.data);
    expect(opened).not.toEqual([]);
    const accepted = await Promise.all(opened.map((session) => account.accepts(session)));
    expect(accepted.filter(Boolean)).toEqual([]);
  });

  it.each<[string, (account: Account) => Promise<Answer>]>([
    ['a change of the password', (account) => account.changePassword(ada.password, NEXT)],
    ['a reset', async (account) => account.confirmReset(await account.askForReset())],
  ])('%s that is committed while its password is hashed gets 401', async (_what, change) => {
    await using account = await Account.create();
    const { begun, release } = account.holdNextHash();
    const login = account.login(ada.password);
    await begun;
    expect((await change(account)).status).toBe(200);

    release();

    expect(await login).toMatchObject({ status: 401, body: { error: { code: 'INVALID_CREDENTIALS' } } });
  });

  it('that is confirmed with a password which changed meanwhile changes nothing', async () => {
    await using account = await Account.create();
    const { begun, release } = account.holdNextHash();
    const late = account.changePassword(ada.password, 'a third password');
    await begun;
    await account.confirmReset(await account.askForReset());

    release();

    // The reset ended its session, too, but only after it was let in.
    expect((await late).status).toBe(403);
    expect((await account.login(NEXT)).status).toBe(200);
  });
});

describe('the limit of wrong passwords', () => {
  const LIMITED = { status: 429, body: { error: { code: 'TOO_MANY_ATTEMPTS' } } };

  it('is one for each account, however many come at a time, and does not tell which accounts exist', async () => {
    await using account = await Account.create();
    const tryAll = (email: string) =>
      Promise.all(Array.from({ length: 72 }, (_, each) => account.login(`wrong ${each}`, email)));

    const known = await tryAll(ada.email);
    const unknown = await tryAll('eve@example.org');

    for (const answers of [known, unknown]) {
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(62);
    }
    const bodies = (answers: Answer[]) => [...new Set(answers.map(({ body }) => JSON.stringify(body)))];
    expect(bodies(unknown).toSorted()).toEqual(bodies(known).toSorted());
    const refused = await account.login(ada.password);
    expect(refused).toMatchObject(LIMITED);
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(900);
  });

  it('counts from the start after a right one, and lets many right ones pass at a time', async () => {
    await using account = await Account.create();
    for (let rounds = 0; rounds < 2; rounds++) {
      for (let each = 0; each < 9; each++) expect((await account.login('wrong')).status).toBe(401);
      expect((await account.login(ada.password)).status).toBe(200);
    }
    const many = await Promise.all(Array.from({ length: 15 }, () => account.login(ada.password)));
    expect(new Set(many.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('ends with its window, and with a reset by mail', async () => {
    await using account = await Account.create();
    const exhaust = async () => {
      for (let each = 0; each < 10; each++) await account.login('wrong');
      expect(await account.login(ada.password)).toMatchObject(LIMITED);
    };
    await exhaust();
    account.database.run`UPDATE password_attempts SET window_end = ${Date.now() - 1}`;
    expect((await account.login(ada.password)).status).toBe(200);

    await exhaust();
    await account.confirmReset(await account.askForReset());
    expect((await account.login(NEXT)).status).toBe(200);
  });

  it('holds within a session as well, and strangers do not use that one up', async () => {
    await using account = await Account.create();
    for (let each = 0; each < 11; each++) await account.login('wrong');
    for (let each = 0; each < 9; each++) {
      expect((await account.changePassword('wrong', NEXT)).status).toBe(403);
    }
    expect((await account.changePassword(ada.password, NEXT)).status).toBe(200);

    const change = { new_email: 'countess@example.org', password: 'wrong' };
    for (let each = 0; each < 10; each++) expect((await account.me('email', change)).status).toBe(403);
    expect(await account.me('email', change)).toMatchObject(LIMITED);
    expect(await account.changePassword(NEXT, ada.password)).toMatchObject(LIMITED);
  });

  it('keeps a bounded number of counts, and no e-mail', async () => {
    await using account = await Account.create();
    account.database.run`
      INSERT INTO password_attempts (subject, wrong, window_end)
      SELECT CAST(value AS BLOB), 1, ${Date.now() + 60_000} + value
      FROM (WITH RECURSIVE n(value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n LIMIT 100000) SELECT * FROM n)`;

    await account.login('wrong');

    type Row = { count: number; first: string };
    const { count, first } = account.database.row<Row>`
      SELECT count(*) AS count, min(window_end) - ${Date.now()} AS first FROM password_attempts`!;
    expect(count).toBe(100_000);
    expect(first).toBeLessThan(60_002);
    const rows = account.database.rows<{ subject: Uint8Array }>`SELECT subject FROM password_attempts`;
    expect(rows.some(({ subject }) => Buffer.from(subject).includes('ada@'))).toBe(false);
  });
});

describe('a login', () => {
  it('takes one hash of the same cost whether or not the account exists', async () => {
    await using account = await Account.create();
    const { passwords } = account;
    const { derive } = passwords;
    const salts: number[] = [];
    passwords.derive = (password, salt) => {
      salts.push(salt.length);
      return derive.call(passwords, password, salt);
    };

    await account.login('wrong');
    await account.login('wrong', 'eve@example.org');

    expect(salts).toEqual([16, 16]);
  });
});

describe('a password that is no valid Unicode', () => {
  const LONE = '\ud800 and more than eight';

  it('is 400 wherever it is given', async () => {
    await using account = await Account.create();
    const token = await account.askForReset();
    const answers = [
      await account.post('register', { email: 'eve@example.org', username: 'eve', password: LONE }),
      await account.login(LONE),
      await account.changePassword(LONE, NEXT),
      await account.changePassword(ada.password, LONE),
      await account.me('email', { new_email: 'countess@example.org', password: LONE }),
      await account.confirmReset(token, LONE),
    ];
    expect(answers.map(({ status, body }) => [status, body.error?.code])).toEqual(
      answers.map(() => [400, 'VALIDATION_FAILED']),
    );
    expect((await account.confirmReset(token)).status).toBe(200);
  });

  it('is 400 as bytes that are no UTF-8, too', async () => {
    await using auth = await startService('auth');
    const register = (byte: number) =>
      fetch(`${auth.url}/v1/auth/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: Buffer.concat([
          Buffer.from('{"email":"eve@example.org","username":"eve","password":"long enough '),
          Buffer.of(byte),
          Buffer.from('"}'),
        ]),
      });
    expect((await register(0xff)).status).toBe(400);
    expect((await register(0x21)).status).toBe(201);
  });

  it('is none with every character that Unicode has', async () => {
    await using account = await Account.create();
    const password = 'long enough \u{1f40e}\u{1f50b} \u0000 é';
    expect((await account.changePassword(ada.password, password)).status).toBe(200);
    expect((await account.login(password.normalize('NFD'))).status).toBe(200);
  });
});
