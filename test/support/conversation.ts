import { randomUUID } from 'node:crypto';

/** A conversation, and the header of its one member. */
export interface Conversation {
  readonly id: string;
  readonly headers: { readonly Authorization: string };
}

/** Registers a user at the gateway or the nginx of this port, and creates a conversation of this user. */
export async function createConversation(port: number): Promise<Conversation> {
  const post = async <Data>(path: string, body: object, headers: object = {}): Promise<Data> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    if (response.status !== 201) throw new Error(`${path} responded with ${response.status}`);
    return ((await response.json()) as { data: Data }).data;
  };
  const username = `user-${randomUUID().slice(0, 8)}`;
  const account = { username, email: `${username}@example.org`, password: randomUUID() };
  const { access_token } = await post<{ access_token: string }>('/v1/auth/register', account);
  const headers = { Authorization: `Bearer ${access_token}` };
  const { id } = await post<{ id: string }>('/v1/conversations', { participant_ids: [] }, headers);
  return { id, headers };
}
