/**
 * A cluster whose statements share it: `fullSpeed` of them run as fast as alone, more are slowed evenly. At every instant
 * the time of the cluster belongs to those that run in equal parts, so the shares of all sum to the time it was busy.
 */
import { must } from '../../base/assert.js';

interface Member<T> {
  readonly job: T;
  /** Progress of the cluster at which it has done its work. */
  readonly doneAt: number;
  readonly sharedAtStart: number;
}

export class SharedCluster<T> {
  readonly #fullSpeed: number;
  readonly #members: Member<T>[] = [];
  #changedAt = 0;
  /** Work that a statement would have done that ran from the beginning. */
  #progress = 0;
  /** Time that it would have been given. */
  #shared = 0;
  #busyMs = 0;

  constructor(fullSpeed: number) {
    this.#fullSpeed = fullSpeed;
  }

  get running(): number {
    return this.#members.length;
  }

  /** Milliseconds with at least one statement. */
  get busyMs(): number {
    return this.#busyMs;
  }

  begin(job: T, workMs: number, at: number): void {
    this.#advance(at);
    const member = { job, doneAt: this.#progress + workMs, sharedAtStart: this.#shared };
    const behind = this.#members.findIndex(({ doneAt }) => doneAt > member.doneAt);
    this.#members.splice(behind === -1 ? this.#members.length : behind, 0, member);
  }

  /** When the next statement ends if no other begins; Infinity: none runs. */
  nextEndAt(): number {
    const [first] = this.#members;
    if (first === undefined) return Infinity;
    return this.#changedAt + (first.doneAt - this.#progress) / this.#speed();
  }

  /** Ends that statement; its share of the cluster's time is `shareMs`. */
  end(): { readonly job: T; readonly at: number; readonly shareMs: number } {
    const at = this.nextEndAt();
    this.#advance(at);
    const { job, sharedAtStart } = must(this.#members.shift(), 'a running statement');
    return { job, at, shareMs: this.#shared - sharedAtStart };
  }

  #speed(): number {
    return Math.min(1, this.#fullSpeed / this.#members.length);
  }

  #advance(at: number): void {
    const elapsed = at - this.#changedAt;
    this.#changedAt = at;
    if (this.#members.length === 0) return;
    this.#progress += elapsed * this.#speed();
    this.#shared += elapsed / this.#members.length;
    this.#busyMs += elapsed;
  }
}
