/**
 * Gathers calls that arrive while an equal one is under way and runs them together: nothing waits when nothing is under
 * way. One is under way until the turn of the event loop in which it is answered has ended. Calls of one lane are run in
 * the order they came and never in two batches at once; lanes do not wait for each other, so that a budget whose row is
 * locked keeps only its own statements waiting.
 */
import { must } from '#base/assert.js';
import { Fault } from '#base/errors.js';

/** What became of one member: its value, or what its caller is to be thrown. */
export type Answer<Out> =
  | { readonly kind: 'done'; readonly value: Out }
  | { readonly kind: 'failed'; readonly cause: unknown };

export interface BatchLimits {
  /** Most members of a batch. */
  readonly sizeMax: number;
  /** Batches under way at once. */
  readonly lanesMax: number;
  /** Most calls that wait for a batch; one more is the Fault `ledgerUnavailable`. */
  readonly waitingMax: number;
}

export interface BatchOptions<In, Out> {
  readonly limits: BatchLimits;
  /** Answers every member, in order. A batch that throws fails all its members alike. */
  readonly run: (members: readonly In[]) => Promise<readonly Answer<Out>[]>;
  readonly laneOf: (member: In) => string;
  /** No two members of a batch share one of these; the later one waits for the next batch. */
  readonly keysOf: (member: In) => readonly string[];
  /** Told the size of every batch, for the metric. */
  readonly onBatch: (size: number) => void;
}

interface Waiting<In, Out> {
  readonly member: In;
  readonly lane: string;
  /** Place in the order of arrival, over all lanes. */
  readonly place: number;
  readonly resolve: (value: Out) => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * Calls of one move, and the batches in which they are run. Beyond `waitingMax` a call rejects with the Fault
 * `ledgerUnavailable`.
 */
export class Batches<In, Out> {
  readonly #options: BatchOptions<In, Out>;
  readonly #busy = new Set<string>();
  /** Who waits, by lane; the lane that has waited longest for its turn first. */
  readonly #lanes = new Map<string, Waiting<In, Out>[]>();
  #waiting = 0;
  #underWay = 0;
  #arrivals = 0;

  constructor(options: BatchOptions<In, Out>) {
    this.#options = options;
  }

  /** Calls that wait for a batch, for the metric. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Runs the member alone at once, or with others as soon as its lane is free.
   * @throws Fault `ledgerUnavailable` where too many wait; what its batch, or its own answer, fails with.
   */
  submit(member: In): Promise<Out> {
    if (this.#waiting >= this.#options.limits.waitingMax) {
      return Promise.reject(
        new Fault('ledgerUnavailable', 'Too many statements wait for the ledger.', {
          detail: { waiting: this.#waiting },
        }),
      );
    }
    return new Promise<Out>((resolve, reject) => {
      const lane = this.#options.laneOf(member);
      const queue = this.#lanes.get(lane) ?? [];
      this.#arrivals += 1;
      queue.push({ member, lane, place: this.#arrivals, resolve, reject });
      this.#lanes.set(lane, queue);
      this.#waiting += 1;
      if (!this.#busy.has(lane)) this.#pump();
    });
  }

  #pump(): void {
    while (this.#underWay < this.#options.limits.lanesMax) {
      const batch = this.#take();
      if (batch.length === 0) return;
      void this.#run(batch);
    }
  }

  /** As many as fit from the lanes that are free, in the order of arrival. */
  #take(): readonly Waiting<In, Out>[] {
    const taken: Waiting<In, Out>[] = [];
    const keys = new Set<string>();
    // The lanes as they are now: one that is put behind the others does not come twice.
    for (const [lane, queue] of Array.from(this.#lanes)) {
      if (this.#busy.has(lane)) continue;
      const room = this.#options.limits.sizeMax - taken.length;
      if (room === 0) break;
      const count = this.#countTaken(queue, room, keys);
      taken.push(...queue.splice(0, count));
      this.#lanes.delete(lane);
      // What is left of it stands behind the other lanes.
      if (queue.length > 0) this.#lanes.set(lane, queue);
    }
    this.#waiting -= taken.length;
    return taken.sort((one, other) => one.place - other.place);
  }

  /** How many of the queue's first may come into the batch; notes their keys. */
  #countTaken(queue: readonly Waiting<In, Out>[], countMax: number, keys: Set<string>): number {
    let count = 0;
    for (const { member } of queue) {
      const own = this.#options.keysOf(member);
      if (count === countMax || own.some((key) => keys.has(key))) break;
      for (const key of own) keys.add(key);
      count += 1;
    }
    return count;
  }

  async #run(batch: readonly Waiting<In, Out>[]): Promise<void> {
    const lanes = new Set(batch.map(({ lane }) => lane));
    for (const lane of lanes) this.#busy.add(lane);
    this.#underWay += 1;
    this.#options.onBatch(batch.length);
    try {
      const answers = await this.#options.run(batch.map(({ member }) => member));
      for (const [index, { resolve, reject }] of batch.entries()) {
        const answer = must(answers[index], 'a batch answers each of its members');
        if (answer.kind === 'done') resolve(answer.value);
        else reject(answer.cause);
      }
    } catch (thrown) {
      for (const { reject } of batch) reject(thrown);
    } finally {
      // A turn later: whoever was answered may come again, and the first of them would go alone while all others wait.
      setImmediate(() => {
        this.#underWay -= 1;
        for (const lane of lanes) this.#busy.delete(lane);
        this.#pump();
      });
    }
  }
}

/**
 * Runs all members together; when that fails for a reason that `isOfOne` says a single member may be to blame for,
 * each half by itself, down to the one that fails alone.
 */
export async function splitting<In, Out>(
  members: readonly In[],
  run: (members: readonly In[]) => Promise<readonly Out[]>,
  isOfOne: (thrown: unknown) => boolean,
): Promise<readonly Answer<Out>[]> {
  try {
    return (await run(members)).map((value) => ({ kind: 'done', value }));
  } catch (thrown) {
    if (!isOfOne(thrown)) return members.map(() => ({ kind: 'failed', cause: thrown }));
    if (members.length === 1) return [{ kind: 'failed', cause: thrown }];
    const half = Math.ceil(members.length / 2);
    const first = await splitting(members.slice(0, half), run, isOfOne);
    return [...first, ...(await splitting(members.slice(half), run, isOfOne))];
  }
}
