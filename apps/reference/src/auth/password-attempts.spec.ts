import { Account, ada, NEXT } from '../../test/account.js';
import type { Answer } from '../../test/running-service.js';
import { describeUnderLoad } from '../../../../test/support/requirements.js';

describeUnderLoad('the limit of wrong passwords', () => {
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

  it('holds within a session as well, and unauthenticated clients do not use that one up', async () => {
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

  it('is one for each session, so that a stolen one does not stop the owner', async () => {
    await using account = await Account.create();
    for (let each = 0; each < 10; each++) await account.changePassword('wrong', NEXT);
    expect(await account.changePassword(ada.password, NEXT)).toMatchObject(LIMITED);
    const { access_token } = (await account.login(ada.password)).body.data;

    const changed = await account.changePassword(ada.password, NEXT, access_token as string);

    expect(changed.status).toBe(200);
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
