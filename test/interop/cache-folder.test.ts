import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, importBase, type Sandbox } from '../support/built-command.ts';

let first: Sandbox;
let second: Sandbox;
let context: string;
beforeAll(async () => {
  first = createSandbox();
  second = createSandbox();
  for (const box of [first, second]) await importBase(box);
  context = join(first.folder, 'context');
  mkdirSync(join(context, 'many'), { recursive: true });
  for (let i = 0; i < 600; i++) writeFileSync(join(context, 'many', `f${i}`), String(i));
  writeFileSync(
    join(context, 'Dockerfile'),
    [
      'FROM base:1 AS made',
      'COPY many /many',
      'RUN cat /many/* | wc -c > /size',
      'FROM base:1',
      'WORKDIR /app',
      'COPY --from=made /size .',
      'RUN cp size twice',
      'ENV A=b',
      '',
    ].join('\n'),
  );
});
afterAll(() => Promise.all([first, second].map((box) => box.remove())));

const build = async (box: Sandbox, ...words: readonly string[]) => {
  const ran = await box.run(['build', '--progress', 'plain', ...words, context]);
  expect(ran.code, ran.stderr).toBe(0);
  const lines = ran.stderr.split('\n');
  return {
    said: ran.stderr,
    ran: lines.filter((line) => /^#\d+ done/.test(line)).length,
    id: /^sha256:[0-9a-f]{64}/m.exec(ran.stderr)?.[0],
  };
};

describe('a cache in a folder', () => {
  it('lets another store build the same image without running a step', async () => {
    const cache = join(first.folder, 'cache');
    const made = await build(first, '--cache-to', `type=local,dest=${cache},mode=max`);
    expect(made.ran).toBe(6);
    // A folder copied with other times is the same context.
    const taken = await build(
      second,
      '--cache-from',
      `type=local,src=${cache}`,
      '--runtime',
      '/nowhere/at/all',
    );
    expect(taken).toMatchObject({ ran: 0, id: made.id });
    expect(readFileSync(join(cache, 'oci-layout'), 'utf8')).toContain('imageLayoutVersion');
    // What was taken is the store's own now.
    expect(await build(second)).toMatchObject({ ran: 0, id: made.id });
  });

  it('holds with mode=min what the image consists of', async () => {
    const cache = join(first.folder, 'least');
    await build(first, '--cache-to', `type=local,dest=${cache}`);
    const all = readdirSync(join(first.folder, 'cache/roots/step'));
    const least = readdirSync(join(cache, 'roots/step'));
    expect([all.length > least.length, least.every((id) => all.includes(id))]).toEqual([true, true]);
  });

  it('that is not there yet is said, and the build goes on', async () => {
    const { said } = await build(first, '--cache-from', 'type=local,src=/nowhere/at/all');
    expect(said).toContain('there is no cache in /nowhere/at/all');
  });

  it('whose bytes are wrong fails the build instead of giving them', async () => {
    const third = createSandbox();
    try {
      await importBase(third);
      const cache = join(third.folder, 'bad');
      await build(first, '--cache-to', `type=local,dest=${cache},mode=max`);
      const blobs = join(cache, 'blobs/sha256');
      for (const name of readdirSync(blobs)) {
        const bytes = readFileSync(join(blobs, name));
        if (bytes.length > 100_000) continue;
        bytes[bytes.length >> 1]! ^= 1;
        writeFileSync(join(blobs, name), bytes);
      }
      const ran = await third.run(['build', '--cache-from', `type=local,src=${cache}`, context]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(/reads as|is not JSON/);
    } finally {
      await third.remove();
    }
  });

  it.each([
    [['--cache-to', 'type=gha'], 'a cache of type=gha is not part of this version yet'],
    [['--cache-to', 'type=local,src=x'], 'type=local knows no "src"'],
    [['--cache-to', 'type=local'], 'dest is required'],
    [['--cache-to', 'type=lokal,dest=x'], 'did you mean local?'],
    [['--cache-to', 'type=local,dest=x,mode=all'], 'want min or max'],
  ])('that cannot be is refused before anything runs: %j', async (words, said) => {
    const ran = await first.run(['build', ...words, context]);
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining(said)]);
  });
});

describe('the step cache of a store', () => {
  const steps = async (box: Sandbox): Promise<number> => (await build(box)).ran;

  it('is pruned by age and by size', async () => {
    const prune = async (...words: readonly string[]): Promise<string> => {
      const ran = await first.run(['builder', 'prune', ...words]);
      expect(ran.code, ran.stderr).toBe(0);
      return ran.stdout;
    };
    await steps(first);
    expect(await prune('--filter', 'until=24h')).toBe('Total reclaimed space: 0B\n');
    expect(await prune('--max-used-space', '10GB')).toBe('Total reclaimed space: 0B\n');
    expect(await steps(first)).toBe(0);
    // The layer of COPY is by far the largest: it goes if a little is to stay, and it is not the last.
    expect(await prune('--keep-storage', '100kB')).toContain('Deleted build cache:');
    expect(await steps(first)).toBeGreaterThan(0);
    expect(await prune('--filter', 'until=0s')).toContain('Deleted build cache:');
    expect(await steps(first)).toBe(6);
    expect((await first.run(['builder', 'prune', '--max-used-space', 'much'])).stderr).toContain(
      '"much" is no size',
    );
    expect((await first.run(['builder', 'prune', '--filter', 'until=x'])).code).toBe(2);
  });
});
