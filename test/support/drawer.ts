/** Whole numbers from 0 to below a bound. */
export type Draw = (below: number) => number;

/** A small linear generator: the same numbers in every run. */
export function drawer(seed: number): Draw {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

/** The same items in another order. */
export function shuffled<T>(items: readonly T[], draw: Draw): readonly T[] {
  const drawn = [...items];
  for (let at = drawn.length - 1; at > 0; at -= 1) {
    const other = draw(at + 1);
    const [one, two] = [drawn[at] as T, drawn[other] as T];
    drawn[at] = two;
    drawn[other] = one;
  }
  return drawn;
}
