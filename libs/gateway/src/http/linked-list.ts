/** The place of an item in one `LinkedList`. Created once for each item and list. */
export class ListNode<Item> {
  /** Both undefined while the item is in no list. */
  previous: ListNode<Item> | undefined;
  next: ListNode<Item> | undefined;

  constructor(readonly item: Item) {}
}

/**
 * Items in the order in which they were added. Adding and deleting happen with each request, so both take constant time
 * and allocate nothing (`DenseSet` explains the memory that a `Set` leaves behind).
 */
export class LinkedList<Item> {
  private readonly ends = new ListNode<Item | undefined>(undefined) as ListNode<Item>;
  private count = 0;

  constructor() {
    this.ends.previous = this.ends.next = this.ends;
  }

  get size(): number {
    return this.count;
  }

  /** Adds a node at the end. The node must be in no list. */
  push(node: ListNode<Item>): void {
    const { ends } = this;
    node.previous = ends.previous;
    node.next = ends;
    node.previous!.next = ends.previous = node;
    this.count++;
  }

  /** Deletes a node from this list; does nothing if the node is in no list. It must not be in another list. */
  delete(node: ListNode<Item>): void {
    const { previous, next } = node;
    if (!previous || !next) return;
    previous.next = next;
    next.previous = previous;
    node.previous = node.next = undefined;
    this.count--;
  }

  /** Yields the items in the order in which they were added. The caller may delete the current item. */
  *[Symbol.iterator](): Iterator<Item> {
    let node = this.ends.next!;
    while (node !== this.ends) {
      const next = node.next!;
      yield node.item;
      node = next;
    }
  }
}
