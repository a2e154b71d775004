/** A change of the control document as it is asked for. */
import type { EpochMs } from '#base/time.js';
import type { ControlDocument } from '#policies/control/document.js';
import type { Actor } from '../actor.js';

/** How a version comes about; the action of its audit event. */
export type ControlAction = 'control.apply' | 'control.edit' | 'control.rollback' | 'control.start';

export interface ControlChange {
  readonly document: ControlDocument;
  readonly actor: Pick<Actor, 'id' | 'role'>;
  readonly reason: string;
  readonly at: EpochMs;
  /** The version the change was made from; 0: none yet. Absent: whatever is newest. */
  readonly expectedVersion?: number;
  /** Absent: `control.apply`. */
  readonly action?: ControlAction;
}
