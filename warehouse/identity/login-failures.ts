/**
 * Why logins with a token failed. The client is told an id only; an administrator asks for the reason with
 * SYSTEM$GET_LOGIN_FAILURE_DETAILS (Snowflake, "Key-pair authentication: Troubleshooting").
 */
import { randomUUID } from 'node:crypto';

const KEPT_MAX = 1000;

/** The document that SYSTEM$GET_LOGIN_FAILURE_DETAILS answers. */
export interface LoginFailure {
  readonly clientIP: string;
  readonly clientType: string;
  readonly clientVersion: string;
  readonly username: string;
  /** E.g. JWT_TOKEN_INVALID_ISSUE_TIME. */
  readonly errorCode: string;
  /** Seconds since 1970, real time. */
  readonly timestamp: number;
}

export class LoginFailures {
  readonly #kept = new Map<string, LoginFailure>();

  /** Keeps a failure and returns the id under which it is found; beyond a thousand the oldest is forgotten. */
  note(failure: LoginFailure): string {
    const id = randomUUID();
    this.#kept.set(id, failure);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
    return id;
  }

  get(id: string): LoginFailure | undefined {
    return this.#kept.get(id);
  }
}
