/**
 * Does `work` for every item, at most `atOnce` at a time, in the order of the items. A piece that fails is told to
 * `onFailure` and the others go on; true from it gives up what has not begun. Never rejects.
 */
export async function sideBySide<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
  onFailure: (thrown: unknown, item: Item) => boolean,
): Promise<void> {
  const queue = items.values();
  let isGivenUp = false;
  const lane = async (): Promise<void> => {
    for (const item of queue) {
      if (isGivenUp) return;
      try {
        await work(item);
      } catch (thrown) {
        isGivenUp = onFailure(thrown, item) || isGivenUp;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane));
}
