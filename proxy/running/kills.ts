/** Kills that administrators ask for, and the way from a notification of any intervention to the rounds (interventions.ts). */
import type { TicketId } from '#base/ids.js';
import type { KillAsked } from '#billing/kills.js';

/** What is read and written of the kills that administrators ask for. Faults: `ledgerUnavailable`. */
export interface Kills {
  /** Of statements that this replica has. */
  asked(): Promise<readonly Omit<KillAsked, 'at'>[]>;
  taken(ticketId: TicketId): Promise<void>;
}

/** Lets notifications reach the rounds, which begin later than the connection that hears them. */
export class Interventions {
  readonly kills: Kills;
  #onWake: () => void = () => undefined;

  constructor(kills: Kills) {
    this.kills = kills;
  }

  wake(): void {
    this.#onWake();
  }

  /** `round` is called with every notification from now on. */
  listen(round: () => void): void {
    this.#onWake = round;
  }
}
