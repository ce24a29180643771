import { expect, it } from 'vitest';
import { build, createFakeKeeper, makeBase } from '../../test/support/build.ts';
import type { Keeper } from '../runtime/types.ts';
import { createMemoryStore } from '../store/memory-store.ts';

const STAGES = ['a', 'b', 'c'];
const TEXT = [
  ...STAGES.flatMap((name) => [`FROM base AS ${name}`, `RUN make ${name}`]),
  'FROM scratch',
  ...STAGES.map((name) => `COPY --from=${name} /ran /${name}`),
].join('\n');

it.each([
  [1, 1],
  [2, 2],
  [9, 3],
])('--jobs %d lets %d of three RUNs run at once', async (parallel, most) => {
  const store = createMemoryStore();
  const inner = createFakeKeeper(store);
  let [running, seen] = [0, 0];
  const keeper: Keeper = {
    ...inner,
    async run(request, o) {
      running++;
      seen = Math.max(seen, running);
      // Whoever may start has started when the loop has turned.
      for (let turns = 0; turns < 50; turns++) await new Promise((resume) => setImmediate(resume));
      running--;
      return inner.run(request, o);
    },
  };
  const base = await makeBase(store, [], { Env: ['PATH=/bin'] });
  await build(store, TEXT, { base, parallel, keeper: async () => keeper });
  expect(seen).toBe(most);
});
