/** Maps at most `limit` items at a time; results in the order of the items. The first failure stops new work and is thrown once what runs has settled. */
export async function mapLimited<T, R>(
  items: Iterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const iterator = items[Symbol.iterator]();
  let index = 0;
  let failed: { error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    while (failed === undefined) {
      const next = iterator.next();
      if (next.done === true) return;
      const at = index++;
      try {
        results[at] = await work(next.value, at);
      } catch (error) {
        failed ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, limit) }, lane));
  if (failed !== undefined) throw failed.error;
  return results;
}
