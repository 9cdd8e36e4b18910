/** The place of an item in one `LinkedList`; made once for each item and list. */
export class ListNode<Item> {
  /** Both undefined while the item is in no list. */
  previous: ListNode<Item> | undefined;
  next: ListNode<Item> | undefined;

  constructor(readonly item: Item) {}
}

/**
 * Items in the order in which they were added. Adding and deleting take constant time and allocate nothing (see
 * `DenseSet` for what a `Set` leaves behind), since both happen with each request.
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

  /** Adds an item at the end; it must be in no list by this node. */
  push(node: ListNode<Item>): void {
    const { ends } = this;
    node.previous = ends.previous;
    node.next = ends;
    node.previous!.next = ends.previous = node;
    this.count++;
  }

  /** Nothing if the node is in no list; it must not be in another one. */
  delete(node: ListNode<Item>): void {
    const { previous, next } = node;
    if (!previous || !next) return;
    previous.next = next;
    next.previous = previous;
    node.previous = node.next = undefined;
    this.count--;
  }

  /** From the item that was added first; an item may be deleted when its turn has come. */
  *[Symbol.iterator](): Iterator<Item> {
    let node = this.ends.next!;
    while (node !== this.ends) {
      const next = node.next!;
      yield node.item;
      node = next;
    }
  }
}
