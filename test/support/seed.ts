/** DOBOS_SEED repeats a run: properties take it here, the tests with a seed of their own where they begin. CI takes it from the commit, so that one commit gives one answer. */
const seed = process.env.DOBOS_SEED;
if (seed !== undefined) {
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({ seed: Number(seed) });
}
