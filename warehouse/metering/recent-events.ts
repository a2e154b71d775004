/** The latest events in memory, up to a cap in bytes, and every statement that has not ended whatever its age. */
import type { EventRecord, LoggedStatement } from './events.js';

/** What an event takes beside its texts: the record, its strings' heads and its entry here. */
const EVENT_BYTES = 800;

export class RecentEvents {
  readonly #bytesMax: number;
  readonly #statements = new Map<string, LoggedStatement>();
  #statementBytes = 0;
  #events: EventRecord[] = [];
  #eventBytes = 0;
  /** Place of the first event that is in memory. */
  #firstSequence = 0;
  #head = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** How many events there were. */
  get sequence(): number {
    return this.#firstSequence + this.#events.length - this.#head;
  }

  statements(): Iterable<LoggedStatement> {
    return this.#statements.values();
  }

  statement(id: string): LoggedStatement | undefined {
    return this.#statements.get(id);
  }

  /** The events after place `sequence`; undefined when not all of them are in memory. */
  since(sequence: number): readonly EventRecord[] | undefined {
    if (sequence < this.#firstSequence) return undefined;
    return this.#events.slice(this.#head + sequence - this.#firstSequence);
  }

  add(record: EventRecord): void {
    const bytes = bytesOf(record);
    this.#events.push(record);
    this.#eventBytes += bytes;
    if (record.type === 'started') {
      this.#statements.set(record.id, { started: record, ended: undefined });
      this.#statementBytes += bytes;
    } else if (record.type === 'ended') {
      const known = this.#statements.get(record.id);
      if (known !== undefined) {
        this.#statements.set(record.id, { started: known.started, ended: record });
        this.#statementBytes += bytes;
      }
    }
    this.#trim();
  }

  /** An event that is on disk only, and may be older than those in memory: `since` begins anew behind it. */
  skip(): void {
    this.#forget(this.#events.length - this.#head);
    this.#firstSequence += 1;
  }

  #forget(count: number): void {
    for (let index = 0; index < count; index += 1) {
      const record = this.#events[this.#head];
      if (record === undefined) break;
      this.#eventBytes -= bytesOf(record);
      this.#head += 1;
      this.#firstSequence += 1;
    }
    if (this.#head * 2 < this.#events.length) return;
    this.#events = this.#events.slice(this.#head);
    this.#head = 0;
  }

  #trim(): void {
    while (this.#eventBytes > this.#bytesMax && this.#events.length - this.#head > 1)
      this.#forget(1);
    if (this.#statementBytes <= this.#bytesMax) return;
    for (const [id, { started, ended }] of this.#statements) {
      if (this.#statementBytes <= this.#bytesMax) break;
      if (ended === undefined) continue;
      this.#statements.delete(id);
      this.#statementBytes -= bytesOf(started) + bytesOf(ended);
    }
  }
}

function bytesOf(record: EventRecord): number {
  switch (record.type) {
    case 'warehouse':
      return EVENT_BYTES;
    case 'started':
      return EVENT_BYTES + 2 * (record.text.length + record.tag.length);
    case 'ended':
      return EVENT_BYTES + 2 * (record.errorMessage?.length ?? 0);
  }
}
