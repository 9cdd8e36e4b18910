import type { Conversation } from './conversation.js';

/** The number of times that each message of the conversation is stored, read through the gateway or the nginx of this port. */
export async function keptMessages(
  port: number,
  { id, headers }: Conversation,
): Promise<Map<string, number>> {
  const kept = new Map<string, number>();
  for (let before: string | null = ''; before !== null;) {
    const page = `conversation_id=${id}&limit=100${before && `&before=${before}`}`;
    const response = await fetch(`http://127.0.0.1:${port}/v1/messages?${page}`, { headers });
    const { data } = (await response.json()) as {
      data: { messages: { content: string }[]; next_before: string | null };
    };
    for (const { content } of data.messages) kept.set(content, (kept.get(content) ?? 0) + 1);
    before = data.next_before;
  }
  return kept;
}
