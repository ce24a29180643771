import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest, first, as `npm test` tells at its end: so that neither worker is left with one of them when the other has nothing more to do. */
const LONGEST = [
  'test/interop/hello-c.test.ts',
  'test/hostile/kill-build.test.ts',
  'test/interop/dockerfiles/peers.test.ts',
  'test/lessons/lessons.test.ts',
  'test/interop/rootless.test.ts',
  'test/hostile/errors.test.ts',
  'test/interop/reproducible.test.ts',
  'test/hostile/pull-faults.test.ts',
  'test/hostile/rootfs.test.ts',
  'test/interop/rootfs-umoci.test.ts',
  'test/hostile/limits.test.ts',
];

/** Vitest's own order, which knows on a fresh clone no more than how large the files are, behind those above. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((path) => moduleId.endsWith(`/${path}`));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
