import { Conversations } from '../../test/conversation.js';
import { makeUser, startService } from '../../test/running-service.js';

describe('calls', () => {
  it('ring, become active and end', async () => {
    await using both = await Conversations.start('video');
    const video = both.service;
    const [ada, bob] = [makeUser(), makeUser()];
    const conversation_id = await both.create(ada, bob);
    const { status, body } = await video.send('POST', '/v1/calls/initiate', ada.token, {
      conversation_id,
      callee_ids: [bob.id],
      type: 'video',
    });
    expect(status).toBe(201);
    expect(body.data).toMatchObject({
      conversation_id,
      caller_id: ada.id,
      type: 'video',
      status: 'ringing',
      started_at: null,
      ended_at: null,
      participants: [
        { user_id: ada.id, joined_at: expect.any(String) },
        { user_id: bob.id, joined_at: null },
      ],
    });
    const path = `/v1/calls/${body.data.id}`;
    expect((await video.send('GET', path, bob.token)).body.data).toEqual(body.data);
    expect((await video.send('POST', `${path}/join`, ada.token)).body.data.status).toBe('ringing');

    const active = (await video.send('POST', `${path}/join`, bob.token)).body.data;
    expect(active).toMatchObject({ status: 'active', started_at: expect.any(String) });
    const ended = (await video.send('POST', `${path}/end`, ada.token)).body.data;
    expect(ended).toMatchObject({ status: 'ended', ended_at: expect.any(String) });
    expect((await video.send('POST', `${path}/end`, bob.token)).body.data).toEqual(ended);

    const late = await video.send('POST', `${path}/join`, bob.token);
    expect(late).toMatchObject({ status: 409, body: { error: { code: 'CALL_ENDED' } } });
  });

  it('exist for their participants only', async () => {
    await using video = await startService('video');
    const [ada, bob, eve] = [makeUser(), makeUser(), makeUser()];
    const call = { callee_ids: [bob.id], type: 'audio' };
    const { id } = (await video.send('POST', '/v1/calls/initiate', ada.token, call)).body.data;
    expect((await video.send('GET', `/v1/calls/${id}`, eve.token)).status).toBe(404);
    expect((await video.send('POST', `/v1/calls/${id}/join`, eve.token)).status).toBe(404);
    expect((await video.send('POST', `/v1/calls/${id}/end`, eve.token)).status).toBe(404);
    expect((await video.send('GET', `/v1/calls/${id}`, ada.token)).body.data.status).toBe('ringing');
  });

  it.each(['caller', 'callee', 'other callee'])(
    'are 403 if the %s has blocked somebody called',
    async (who) => {
      await using both = await Conversations.start('video');
      const [ada, bob, cy] = [makeUser(), makeUser(), makeUser()];
      const conversation_id = await both.create(ada, bob, cy);
      const blocker = { caller: ada, callee: bob }[who] ?? cy;
      const blocked = blocker === bob ? ada : bob;
      await both.auth.send('POST', `/v1/users/${blocked.id}/block`, blocker.token);
      const initiate = (call: object) =>
        both.service.send('POST', '/v1/calls/initiate', ada.token, { type: 'audio', ...call });

      expect(await initiate({ callee_ids: [bob.id, cy.id] })).toMatchObject({
        status: 403,
        body: { error: { code: 'BLOCKED' } },
      });
      // Callees of one conversation who have blocked each other stay in it together.
      const { status } = await initiate({ conversation_id, callee_ids: [bob.id, cy.id] });
      expect(status).toBe(who === 'other callee' ? 201 : 403);
      expect((await initiate({ callee_ids: [cy.id] })).status).toBe(201);
    },
  );

  it('that name no conversation are 503 if blocks cannot be known', async () => {
    await using video = await startService('video', { authServiceUrls: ['http://127.0.0.1:9'] });
    const call = { callee_ids: [makeUser().id], type: 'audio' };
    const answer = await video.send('POST', '/v1/calls/initiate', makeUser().token, call);
    expect(answer).toMatchObject({ status: 503, body: { error: { code: 'MEMBERSHIPS_UNKNOWN' } } });
  });

  it('need someone else to call', async () => {
    await using video = await startService('video');
    const ada = makeUser();
    const initiate = (callee_ids: string[]) =>
      video.send('POST', '/v1/calls/initiate', ada.token, { callee_ids, type: 'audio' });
    expect((await initiate([])).status).toBe(400);
    expect((await initiate([ada.id])).status).toBe(400);
  });
});
