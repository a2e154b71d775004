/** What happens next: a priority queue of instants, so that nothing is known before it happened. */
import type { EpochMs } from '../../base/time.js';

interface Moment<Event> {
  readonly at: EpochMs;
  /** Earlier asked first, where instants are equal. */
  readonly order: number;
  readonly event: Event;
}

/** A binary heap; `add` and `takeUntil` cost the logarithm of what waits. */
export class Moments<Event> {
  readonly #heap: Moment<Event>[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  add(at: EpochMs, event: Event): void {
    this.#order += 1;
    const moment = { at, order: this.#order, event };
    const heap = this.#heap;
    let place = heap.push(moment) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, moment)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = moment;
  }

  /** The earliest event at or before `until`, taken out; undefined: there is none. */
  takeUntil(until: EpochMs): { readonly at: EpochMs; readonly event: Event } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.at > until) return undefined;
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(moment: Moment<Event>): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      const left = heap[2 * place + 1];
      const right = heap[2 * place + 2];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (isBefore(moment, child)) break;
      heap[place] = child;
      place = 2 * place + (isRight ? 2 : 1);
    }
    heap[place] = moment;
  }
}

function isBefore(a: Moment<unknown>, b: Moment<unknown>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
