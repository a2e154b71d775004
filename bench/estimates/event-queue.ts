import { must } from '../../base/assert.js';

interface Entry<T> {
  readonly at: number;
  readonly order: number;
  readonly value: T;
}

/** Values by time; those of one instant in the order in which they came. A binary heap. */
export class EventQueue<T> {
  readonly #heap: Entry<T>[] = [];
  #pushed = 0;

  /** Infinity: empty. */
  nextAt(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  push(at: number, value: T): void {
    const entry = { at, order: this.#pushed, value };
    this.#pushed += 1;
    let index = this.#heap.length;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#at(above);
      if (isBefore(parent, entry)) break;
      this.#heap[index] = parent;
      index = above;
    }
    this.#heap[index] = entry;
  }

  /** The earliest; there must be one. */
  pop(): T {
    const first = this.#at(0);
    const last = must(this.#heap.pop(), 'a value in the queue');
    if (this.#heap.length > 0) this.#sink(last);
    return first.value;
  }

  #sink(entry: Entry<T>): void {
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= this.#heap.length) break;
      if (below + 1 < this.#heap.length && isBefore(this.#at(below + 1), this.#at(below)))
        below += 1;
      if (isBefore(entry, this.#at(below))) break;
      this.#heap[index] = this.#at(below);
      index = below;
    }
    this.#heap[index] = entry;
  }

  #at(index: number): Entry<T> {
    return must(this.#heap[index], 'a value in the queue');
  }
}

function isBefore<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
