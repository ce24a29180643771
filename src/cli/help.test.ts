import { describe, expect, it } from 'vitest';
import { COMMANDS } from './commands.ts';
import { commandHelp } from './help.ts';
import { LATER } from './later.ts';

describe('help', () => {
  it('is one sentence, usage, the options people use most, examples, then the rest', async () => {
    const row = COMMANDS.find(({ name }) => name === 'images')!;
    expect(commandHelp(await row.load())).toBe(`List images.

usage: dobos images [OPTIONS] [REPOSITORY[:TAG]]

most used:
  -a, --all                the images of build steps too
  -q, --quiet              ids only
      --no-trunc           whole ids
      --format <template>  print with a Go template, or \`json\`

examples:
  dobos images
  dobos images -a
  dobos images --format '{{.Repository}}:{{.Tag}} {{.Size}}'

more options:
      --digests             the digests of the manifests too
  -f, --filter <key=value>  dangling=true, label=, before=, since=, until= or reference=PATTERN (repeatable)

also: dobos image ls, dobos image list
`);
  });

  it.each(COMMANDS.map((row) => [row.name, row] as const))('of %s fits 120 columns', async (_, row) => {
    const spec = await row.load();
    expect(
      commandHelp({ ...spec, limits: [] })
        .split('\n')
        .filter((line) => line.length > 120),
    ).toEqual([]);
    expect(spec.summary).not.toMatch(/\.$/);
  });

  it('lists no command both as there and as later', () => {
    const names = COMMANDS.flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(LATER.filter((name) => names.includes(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });
});
