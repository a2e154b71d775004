/** A place in the event log, from which something derived from it goes on. */
import type { EventLog } from '../metering/event-log.js';
import type { EventRecord } from '../metering/events.js';

export class Follower {
  readonly #events: EventLog;
  #sequence: number | undefined;

  constructor(events: EventLog) {
    this.#events = events;
  }

  /**
   * Hands over what was appended since the last time, in order.
   *
   * @param restart called first when everything comes anew: at the first time, after {@link forget}, after events of the
   *   past were imported, and when more was appended in between than the log keeps in memory.
   */
  async pull(
    restart: () => void,
    take: (records: readonly EventRecord[]) => Promise<void>,
  ): Promise<void> {
    let at = this.#sequence;
    this.#sequence = undefined;
    let fresh = at === undefined ? undefined : this.#events.since(at);
    if (at === undefined || fresh === undefined) {
      restart();
      at = 0;
      fresh = this.#events.since(at);
      if (fresh === undefined) {
        const { written } = this.#events;
        for await (const records of this.#events.history(written)) await take(records);
        at = written.sequence;
        fresh = this.#events.since(at) ?? [];
      }
    }
    if (fresh.length > 0) await take(fresh);
    this.#sequence = at + fresh.length;
  }

  /**
   * Like {@link pull}, of what the log has in memory only.
   *
   * @param restart takes in the statements that are in memory when everything begins anew.
   */
  pullRecent(restart: () => void, take: (records: readonly EventRecord[]) => void): void {
    const fresh = this.#sequence === undefined ? undefined : this.#events.since(this.#sequence);
    this.#sequence = this.#events.sequence;
    if (fresh === undefined) restart();
    else take(fresh);
  }

  /** The next {@link pull} begins anew: what was derived is lost. */
  forget(): void {
    this.#sequence = undefined;
  }
}
