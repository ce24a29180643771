import type { ExecutorUse, Keeper } from '../runtime/types.ts';

const told = new WeakSet<Keeper>();

/** The keeper, once what the person should know about how it runs things is told: the first time only. What else stands in its way, the run itself will say. */
export async function warnOfExecutor(
  keeper: Keeper,
  use: ExecutorUse,
  warn: (message: string) => void,
): Promise<Keeper> {
  if (told.has(keeper)) return keeper;
  told.add(keeper);
  const facts = await keeper.executor(use).catch(() => undefined);
  if (facts?.warning !== undefined) warn(facts.warning);
  return keeper;
}
