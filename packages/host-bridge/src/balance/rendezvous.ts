import { hashOf, mix } from "./hash.js";

/** What keys are shared out to. */
export interface RendezvousMember {
  readonly name: string;
  /** Its share of the keys, above 0. */
  readonly weight: number;
}

/** Keys fall into so many slots, as in a cluster of Redis. */
const slotCount = 16_384;

const unknown = 0xff_ff;

/**
 * Says which member a key belongs to: rendezvous hashing (Thaler and Ravishankar, 1998) with weights.
 * The same members give the same answer on every host. Where a member comes, only keys that it gets
 * move, and where one goes, only those that it had. Keys are put into slots, and each slot's member is
 * looked up once.
 */
export class Rendezvous<Member extends RendezvousMember> {
  readonly #members: readonly Member[];
  readonly #hashes: Uint32Array;
  readonly #homes = new Uint16Array(slotCount).fill(unknown);

  /** @param members at most 65,535 */
  constructor(members: readonly Member[]) {
    this.#members = members;
    this.#hashes = Uint32Array.from(members, ({ name }) => hashOf(name));
  }

  /** The slot of a key. */
  slotOf(key: string): number {
    return hashOf(key) % slotCount;
  }

  /** The member that has a slot; undefined where there are no members. */
  home(slot: number): Member | undefined {
    let index = this.#homes[slot] as number;
    if (index === unknown) {
      if (this.#members.length === 0) {
        return undefined;
      }
      index = this.#best(slot);
      this.#homes[slot] = index;
    }
    return this.#members[index];
  }

  /** The members in the order in which a slot would have them, its home first. */
  order(slot: number): readonly Member[] {
    return this.#members
      .map((member, index) => ({ member, distance: this.#distance(slot, index) }))
      .toSorted((one, other) => one.distance - other.distance)
      .map(({ member }) => member);
  }

  #best(slot: number): number {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let index = 0; index < this.#members.length; index += 1) {
      const distance = this.#distance(slot, index);
      if (distance < least) {
        least = distance;
        best = index;
      }
    }
    return best;
  }

  /**
   * How far a slot is from a member: exponentially distributed with the weight as its rate, so that
   * each member is the nearest of as many slots as its weight says.
   */
  #distance(slot: number, index: number): number {
    const { weight } = this.#members[index] as Member;
    const bits = mix(mix(slot + 1) ^ (this.#hashes[index] as number));
    return -Math.log((bits + 0.5) / 2 ** 32) / weight;
  }
}
