/** A member of a `LinkedSet`. All three are the set's. */
export interface Linked<Member> {
  /** The set that it is in. */
  linkedIn: object | undefined;
  previousLinked: Member | undefined;
  nextLinked: Member | undefined;
}

/**
 * A set whose members link each other, in the order in which they came. It allocates nothing where
 * a `Set` grows a table and makes it anew again and again. A member is in one such set at a time.
 */
export class LinkedSet<Member extends Linked<Member>> {
  #first: Member | undefined;
  #last: Member | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds what is in no such set. */
  add(member: Member): void {
    const last = this.#last;
    member.linkedIn = this;
    member.previousLinked = last;
    if (last === undefined) {
      this.#first = member;
    } else {
      last.nextLinked = member;
    }
    this.#last = member;
    this.#size += 1;
  }

  has(member: Member): boolean {
    return member.linkedIn === this;
  }

  /** Returns whether it was in this set. */
  delete(member: Member): boolean {
    if (member.linkedIn !== this) {
      return false;
    }
    const { nextLinked, previousLinked } = member;
    if (previousLinked === undefined) {
      this.#first = nextLinked;
    } else {
      previousLinked.nextLinked = nextLinked;
    }
    if (nextLinked === undefined) {
      this.#last = previousLinked;
    } else {
      nextLinked.previousLinked = previousLinked;
    }
    member.linkedIn = undefined;
    member.previousLinked = undefined;
    member.nextLinked = undefined;
    this.#size -= 1;
    return true;
  }

  /** The members as they are now, whatever happens to the set meanwhile. */
  [Symbol.iterator](): IterableIterator<Member> {
    const members: Member[] = [];
    for (let member = this.#first; member !== undefined; member = member.nextLinked) {
      members.push(member);
    }
    return members.values();
  }
}
