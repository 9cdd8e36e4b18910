/** What can be a member of one `DenseSet` at a time. */
export interface DenseMember {
  /** Its place, which the set alone writes. Default: -1, in no set. */
  slot: number;
}

/**
 * A set for members that come and go with each request, in no order. A `Set` would leave a hash table behind for every
 * few dozen of them, with those that it held, and each table points to the next: once one has got into the old
 * generation, all that follow do too, with all that they held, until a full collection.
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

  /** Those that are members now; one that goes meanwhile is left out. */
  *[Symbol.iterator](): Iterator<Member> {
    for (const member of this.members.slice()) if (this.has(member)) yield member;
  }
}
