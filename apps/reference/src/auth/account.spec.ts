import { Account, ada, NEXT } from '../../test/account.js';
import { startService, type Answer } from '../../test/running-service.js';

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

  it('that resets the password stays good when an unauthenticated client asks for another, and is sent at most five times', async () => {
    await using account = await Account.create();
    const token = await account.askForReset();
    const sentAt = () => account.database.row`SELECT created_at FROM mail_outbox`;
    const past = new Date(0).toISOString();
    const resent: boolean[] = [];
    for (let each = 0; each < 5; each++) {
      account.database.run`UPDATE mail_outbox SET created_at = ${past}`;
      const answer = await account.post('password-reset/request', { email: ada.email });
      expect(answer.status).toBe(200);
      resent.push(JSON.stringify(sentAt()) !== JSON.stringify({ created_at: past }));
    }

    expect(resent).toEqual([true, true, true, true, false]);
    expect((await account.confirmReset(token)).status).toBe(200);
  });

  it('that resets the password is another one once it expired or the account changed', async () => {
    await using account = await Account.create();
    const token = await account.askForReset();
    account.database.run`UPDATE mail_outbox SET expires_at = ${new Date(0).toISOString()}, sent = 5`;
    const next = await account.askForReset();
    expect(next).not.toBe(token);

    await account.changePassword(ada.password, NEXT);

    expect(await account.askForReset()).not.toBe(next);
    expect(await account.confirmReset(next, 'a third password')).toMatchObject(INVALID_TOKEN);
  });

  it('that changes the e-mail is 429 after five of them, for all addresses together', async () => {
    await using account = await Account.create();
    const ask = async (each: number) => {
      const change = { new_email: `countess${each}@example.org`, password: ada.password };
      return (await account.me('email', change)).status;
    };
    const statuses: number[] = [];
    for (let each = 0; each < 6; each++) statuses.push(await ask(each));
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  });

  it('resets the password once, of two at the same time', async () => {
    await using account = await Account.create();
    const token = await account.askForReset();

    const both = await Promise.all([account.confirmReset(token), account.confirmReset(token)]);

    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 400]));
  });
});

describe('a request for a letter that resets the password', () => {
  it('writes as much to the database for an unknown address, and for a letter that was sent too often', async () => {
    await using account = await Account.create();
    const written = () =>
      account.database.row<{ changes: number }>`SELECT total_changes() AS changes`!.changes;
    const counts: number[] = [];
    const emails = ['eve@example.org', ...Array<string>(7).fill(ada.email), 'eve@example.org'];
    for (const email of emails) {
      const before = written();
      const { status, body } = await account.post('password-reset/request', { email });
      expect([status, body]).toEqual([200, { success: true, data: null }]);
      counts.push(written() - before);
    }

    expect(counts).toEqual(emails.map(() => 1));
    expect(account.database.row`SELECT count(*) AS count FROM mail_outbox`).toEqual({ count: 1 });
  });
});

describe('a login that races with', () => {
  it.each<[string, (account: Account) => Promise<Answer>]>([
    ['a change of the password', (account) => account.changePassword(ada.password, NEXT)],
    ['a reset', async (account) => account.confirmReset(await account.askForReset())],
  ])('%s opens no session that is accepted afterwards', async (_what, change) => {
    await using account = await Account.create({ fullHashes: true });

    const logins = [await account.login(ada.password)];
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

    // The reset ended this session too, after the login had succeeded.
    expect((await late).status).toBe(403);
    expect((await account.login(NEXT)).status).toBe(200);
  });
});

describe('a login', () => {
  it('takes one hash of the same cost whether or not the account exists', async () => {
    await using account = await Account.create({ fullHashes: true });
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
    await using account = await Account.create({ fullHashes: true });
    const password = 'long enough \u{1f40e}\u{1f50b} \u0000 é';
    expect((await account.changePassword(ada.password, password)).status).toBe(200);
    expect((await account.login(password.normalize('NFD'))).status).toBe(200);
  });
});
