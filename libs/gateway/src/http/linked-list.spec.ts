import { LinkedList, ListNode } from './linked-list.js';

const listOf = (...items: string[]): { list: LinkedList<string>; nodes: ListNode<string>[] } => {
  const list = new LinkedList<string>();
  const nodes = items.map((item) => new ListNode(item));
  for (const node of nodes) list.push(node);
  return { list, nodes };
};

describe('LinkedList', () => {
  it('keeps the order in which items were added', () => {
    const { list, nodes } = listOf('a', 'b', 'c');

    list.delete(nodes[0]!);
    list.push(nodes[0]!);

    expect([...list]).toEqual(['b', 'c', 'a']);
    expect(list.size).toBe(3);
  });

  it.each([0, 1, 2])('loses item %i of three alone, once', (index) => {
    const { list, nodes } = listOf('a', 'b', 'c');

    list.delete(nodes[index]!);
    list.delete(nodes[index]!);

    expect([...list]).toEqual(['a', 'b', 'c'].filter((_item, at) => at !== index));
    expect(list.size).toBe(2);
  });

  it('lets a loop delete the current item', () => {
    const { list, nodes } = listOf('a', 'b', 'c');
    const seen: string[] = [];

    for (const item of list) {
      seen.push(item);
      list.delete(nodes.find((node) => node.item === item)!);
    }

    expect(seen).toEqual(['a', 'b', 'c']);
    expect([list.size, ...list]).toEqual([0]);
  });
});
