import { linkSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { build, makeFolder } from '../../test/support/build.ts';
import { createMemoryStore } from '../store/memory-store.ts';

const name = fc.constantFrom('a', 'b', 'c', 'ä', 'a-b', 'a.b', 'Z', '~');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const files = fc
  .dictionary(path, fc.string(), { maxKeys: 8 })
  // A path cannot be a file and a folder.
  .map((made) => {
    const paths = Object.keys(made);
    return Object.fromEntries(
      Object.entries(made).filter(([each]) => !paths.some((other) => other.startsWith(`${each}/`))),
    );
  });

/** The digest of an image with these files, made in this order and with this time. */
async function digestOf(
  made: readonly (readonly [string, string])[],
  time: number,
  umask: number,
  twice: string | undefined,
): Promise<string> {
  const folder = makeFolder({});
  const before = process.umask(umask);
  try {
    for (const [path, text] of made) {
      const file = join(folder.path, path);
      mkdirSync(join(file, '..'), { recursive: true, mode: 0o755 });
      writeFileSync(file, text);
    }
    if (twice !== undefined) linkSync(join(folder.path, twice), join(folder.path, 'another-name'));
    const all = [...made.map(([path]) => path), ...made.flatMap(([path]) => parentsOf(path))];
    for (const path of all) utimesSync(join(folder.path, path), time, time);
    const text = 'FROM scratch\nWORKDIR /x\nCOPY --chmod=u=rwX,go=rX . /app/\nCOPY <<t /t\nhello\nt\n';
    const { image } = await build(createMemoryStore(), text, {
      contextFolder: folder.path,
      epoch: 1_000_000_000,
    });
    return image.descriptor.digest;
  } finally {
    process.umask(before);
    folder.remove();
  }
}

function parentsOf(path: string): string[] {
  const names = path.split('/');
  return names.slice(1).map((_, i) => names.slice(0, i + 1).join('/'));
}

describe('the same files make the same image', () => {
  it('in whatever order and at whatever time they were made, and under whatever umask', async () => {
    await fc.assert(
      fc.asyncProperty(files, fc.infiniteStream(fc.nat()), fc.boolean(), async (made, chance, linked) => {
        const entries = Object.entries(made);
        const weights = new Map(entries.map(([path]) => [path, chance.next().value]));
        const shuffled = [...entries].sort(([a], [b]) => (weights.get(a) ?? 0) - (weights.get(b) ?? 0));
        const twice = linked ? entries[0]?.[0] : undefined;
        const first = await digestOf(entries, 1_600_000_000, 0o022, twice);
        expect(await digestOf(shuffled, 1_700_000_000, 0o077, twice)).toBe(first);
      }),
      { numRuns: 40 },
    );
  });
});
