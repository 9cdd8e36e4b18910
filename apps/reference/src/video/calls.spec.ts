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

  it('need someone else to call', async () => {
    await using video = await startService('video');
    const ada = makeUser();
    const initiate = (callee_ids: string[]) =>
      video.send('POST', '/v1/calls/initiate', ada.token, { callee_ids, type: 'audio' });
    expect((await initiate([])).status).toBe(400);
    expect((await initiate([ada.id])).status).toBe(400);
  });
});
