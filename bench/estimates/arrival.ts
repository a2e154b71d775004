import type { Literals } from './plan.js';
import type { Kind, WarehouseName } from './profile.js';
import type { Shape } from './shape.js';

/** How a statement ends: as it should, refused by the compiler, answered from metadata, or cut off. */
export type Fate =
  | { readonly kind: 'runs' | 'invalid' | 'metadata' }
  /** Cancelled after this part of its work. */
  | { readonly kind: 'cut'; readonly share: number };

/** A statement as a client is about to send it. */
export interface Arrival {
  /** Whole milliseconds since 1970. */
  readonly at: number;
  readonly kind: Kind;
  readonly team: string;
  readonly shape: Shape;
  readonly literals: Literals;
  readonly text: string;
  readonly tag: string;
  readonly warehouse: WarehouseName;
  readonly fate: Fate;
  /** What the same client sends a while after this one has ended. */
  readonly next: { readonly afterMs: number; readonly arrival: Arrival } | null;
}
