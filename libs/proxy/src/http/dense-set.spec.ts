import { DenseSet, type DenseMember } from './dense-set.js';

class Member implements DenseMember {
  slot = -1;
}

describe('DenseSet', () => {
  let set: DenseSet<Member>;
  let members: [Member, Member, Member];

  beforeEach(() => {
    set = new DenseSet();
    members = [new Member(), new Member(), new Member()];
    for (const member of members) set.add(member);
  });

  it('holds each member once', () => {
    set.add(members[0]);

    expect(set.size).toBe(3);
    expect(new Set(set)).toEqual(new Set(members));
  });

  it.each([0, 1, 2])('gives up number %i of three, and keeps the others', (index) => {
    set.delete(members[index]!);
    set.delete(members[index]!);

    expect(set.size).toBe(2);
    for (const [other, member] of members.entries()) expect(set.has(member)).toBe(other !== index);
    expect([...set]).not.toContain(members[index]);
  });

  it('knows nothing of one that was never added', () => {
    set.delete(new Member());

    expect(set.size).toBe(3);
    expect(set.has(new Member())).toBe(false);
  });

  it('takes one back that was given up', () => {
    set.delete(members[0]);
    set.add(members[0]);

    expect(new Set(set)).toEqual(new Set(members));
  });

  it('shows each member once to whoever deletes it meanwhile', () => {
    const seen: Member[] = [];
    for (const member of set) {
      seen.push(member);
      set.delete(member);
    }

    expect(seen).toHaveLength(3);
    expect(new Set(seen)).toEqual(new Set(members));
    expect(set.size).toBe(0);
  });

  it('leaves out those that go while another is looked at, and passes by none', () => {
    const [first, second, third] = members;
    const seen: Member[] = [];
    for (const member of set) {
      seen.push(member);
      set.delete(first);
      set.delete(second);
    }

    expect(seen).toEqual([first, third]);
  });
});
