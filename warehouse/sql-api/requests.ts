/**
 * What the SQL API remembers of its requests: which statement a request id stands for, so that a request marked
 * `retry=true` runs nothing twice, how many statements a user runs, and which results are written without NULLs.
 */
import type { Statement } from '../statement/statement.js';

/** Request ids that are remembered; the oldest are forgotten. */
const REMEMBERED_MAX = 10_000;
/** Statements that one user may run at once by the SQL API. */
export const RUNNING_PER_USER_MAX = 256;

export class ApiRequests {
  readonly #byId = new Map<string, Statement>();
  readonly #running = new Map<string, number>();
  readonly #withoutNulls = new WeakSet<Statement>();

  /** The statement that a user's request id stands for. */
  find(user: string, requestId: string): Statement | undefined {
    return this.#byId.get(keyOf(user, requestId));
  }

  /** Whether the user may start another statement. */
  hasRoom(user: string): boolean {
    return (this.#running.get(user) ?? 0) < RUNNING_PER_USER_MAX;
  }

  /** Remembers a statement that has just been started; `isNullable` false: NULL is written as a text. */
  enter(user: string, statement: Statement, isNullable: boolean): void {
    if (!isNullable) this.#withoutNulls.add(statement);
    this.#byId.set(keyOf(user, statement.request.requestId), statement);
    const [oldest] = this.#byId.keys();
    if (this.#byId.size > REMEMBERED_MAX && oldest !== undefined) this.#byId.delete(oldest);
    this.#count(user, 1);
    void statement.done.then(() => this.#count(user, -1));
  }

  /** Whether NULL is written as null in the results of a statement. */
  isNullable(statement: Statement): boolean {
    return !this.#withoutNulls.has(statement);
  }

  #count(user: string, change: 1 | -1): void {
    const running = (this.#running.get(user) ?? 0) + change;
    if (running > 0) this.#running.set(user, running);
    else this.#running.delete(user);
  }
}

function keyOf(user: string, requestId: string): string {
  return `${user}\u0000${requestId.toLowerCase()}`;
}
