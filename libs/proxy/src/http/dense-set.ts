/** A member of at most one `DenseSet` at a time. */
export interface DenseMember {
  /** The member's index, written by the set alone. Default: -1, in no set. */
  slot: number;
}

/**
 * A set, without an order, for members that come and go with each request. A `Set` would leave a hash table behind for
 * every few dozen members, and each table points to its successor: once one is in V8's old generation, all later tables
 * stay with it, and so do their members, until a full collection.
 */
export class DenseSet<Member extends DenseMember> {
  private readonly members: Member[] = [];

  get size(): number {
    return this.members.length;
  }

  has(member: Member): boolean {
    return this.members[member.slot] === member;
  }

  add(member: Member): void {
    if (this.has(member)) return;
    member.slot = this.members.length;
    this.members.push(member);
  }

  delete(member: Member): void {
    if (!this.has(member)) return;
    const last = this.members.pop()!;
    if (last !== member) {
      last.slot = member.slot;
      this.members[last.slot] = last;
    }
    member.slot = -1;
  }

  /** The present members, without those that are deleted during the iteration. */
  *[Symbol.iterator](): Iterator<Member> {
    for (const member of this.members.slice()) if (this.has(member)) yield member;
  }
}
