import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stackLayers } from '../../src/layer/apply-layer.ts';
import { squashEntries } from '../../src/layer/squash-entries.ts';
import { createSandbox, type Sandbox } from '../support/built-command.ts';
import { type View, viewOfDisk } from '../support/disk-view.ts';
import { indexTar } from '../support/layer-index.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { layerStacks } from '../support/random-layers.ts';
import { packEntries } from '../support/squashed.ts';
import { type VectorEntry, vectorTar } from '../support/vector-tar.ts';

/** Stacks of the random test; each unpacks some ranges, and each unpacking starts a process. */
const RANDOM_STACKS = 12;

const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

describe('umoci unpacks the same files with layers squashed', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-squash-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  let runs = 0;
  const unpacked = (tars: readonly Buffer[], untimed: ReadonlySet<string>): View => {
    const work = join(folder, `${runs++}`);
    writeLayout(join(work, 'layout'), tars);
    run('umoci', 'unpack', '--image', `${work}/layout:t`, `${work}/bundle`);
    const view = viewOfDisk(join(work, 'bundle/rootfs'), untimed);
    rmSync(work, { recursive: true });
    return view;
  };

  const check = (layers: readonly (readonly VectorEntry[])[]): void => {
    const tars = layers.map((entries) => vectorTar(entries));
    const indexes = tars.map((tar) => indexTar(tar));
    // Times of directories without an entry, and of those around, are those of the unpacking.
    const untimed = new Set<string>();
    for (const [at] of tars.entries())
      for (const [path, { order }] of stackLayers(indexes.slice(0, at + 1)).walk())
        if (order < 0) untimed.add(path).add(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
    const want = unpacked(tars, untimed);
    const last = tars.length - 1;
    for (const [from, to] of [[0, last], [1, last], [0, last - 1]] as const) {
      if (to <= from) continue;
      const one = packEntries(squashEntries(indexes, { from, to }), tars, indexes);
      const now = [...tars.slice(0, from), one, ...tars.slice(to + 1)];
      expect(unpacked(now, untimed), `layers ${from} to ${to}`).toEqual(want);
    } // biome-ignore format: a line a range
  };

  const vectors: readonly { readonly layers: VectorEntry[][]; readonly umoci?: string }[] = JSON.parse(
    readFileSync(new URL('../fixtures/layer-vectors.json', import.meta.url), 'utf8'),
  );
  it('in the golden cases', () => {
    for (const { layers, umoci } of vectors) if (umoci === undefined) check(layers);
  });

  const seed = Number(process.env.DOBOS_SEED ?? Date.now() % 2 ** 31);
  it(`in ${RANDOM_STACKS} random stacks (seed ${seed})`, () => {
    fc.assert(fc.property(layerStacks, check), { seed, numRuns: RANDOM_STACKS });
  });
});

describe('build --squash', () => {
  let box: Sandbox;
  let context: string;
  beforeAll(() => {
    box = createSandbox();
    context = join(box.folder, 'context');
    mkdirSync(context);
    for (const name of ['one', 'two', 'three']) writeFileSync(join(context, name), `${name}\n`);
    writeFileSync(join(context, 'base.Dockerfile'), 'FROM scratch\nCOPY one /a/b\nCOPY two /c\n');
    writeFileSync(
      join(context, 'Dockerfile'),
      'FROM base\nCOPY three /a/b\nCOPY --chown=1:2 one /a/b\nENV X=y\n',
    );
  });
  afterAll(() => box.remove());
  const at = (name: string): string => join(box.folder, name);
  const build = async (...words: string[]): Promise<string> => {
    const { code, stderr } = await box.run(['build', ...words, context]);
    expect(code, stderr).toBe(0);
    return stderr;
  };
  const layersOf = (name: string): string[] =>
    (JSON.parse(run('skopeo', 'inspect', `oci:${at(name)}:latest`)) as { Layers: string[] }).Layers;

  it('gives images that skopeo and umoci take, with the base shared or not', async () => {
    await build('-t', 'base', '-f', join(context, 'base.Dockerfile'), '-o', `type=oci,tar=false,dest=${at('base')}`);
    for (const [name, ...words] of [['whole'], ['own', '--squash'], ['all', '--squash-all']] as const) {
      await build('-t', 'app', ...words, '-o', `type=oci,tar=false,dest=${at(name)}`, '-o', at(`${name}.files`));
      run('umoci', 'unpack', '--rootless', '--image', `${at(name)}:latest`, at(`${name}.bundle`));
      run('skopeo', 'copy', `oci:${at(name)}:latest`, `docker-archive:${at(`${name}.tar`)}:app:latest`);
      expect(viewOfDisk(at(`${name}.files`), new Set())).toEqual(viewOfDisk(at('whole.files'), new Set()));
      expect(viewOfDisk(at(`${name}.bundle/rootfs`), new Set())).toEqual(
        viewOfDisk(at('whole.bundle/rootfs'), new Set()),
      );
    }
    expect(layersOf('whole')).toHaveLength(4);
    expect(layersOf('own')).toEqual([...layersOf('base'), expect.anything()]);
    expect(layersOf('all')).toHaveLength(1);
  }); // biome-ignore format: command lines

  it('says what it saved, and packs nothing the second time', async () => {
    const first = await build('-t', 'app', '--squash-all');
    expect(first).toContain('squashed 4 layers into 1: 18 B became 8 B, 10 B of hidden files gone\n');
    expect(first).toContain('no layer is shared with the base any more\n');
    // Every build leaves a record of itself.
    const files = (): string =>
      run('find', box.store, '-path', '*/builds', '-prune', '-o', '-type', 'f', '-printf', '%p %T@\\n');
    const before = files();
    await build('-t', 'app', '--squash-all', '-q');
    expect(files()).toBe(before);
  });

  it('works for several platforms, and for steps of a cache in a folder, with the same digest', async () => {
    const platforms = ['--platform', 'linux/amd64,linux/arm64'];
    const scratch = ['-f', join(context, 'base.Dockerfile'), '--squash', '-t', 'many'];
    const said = await build(...scratch, ...platforms, '--cache-to', `type=local,dest=${at('cache')}`,
      '-o', `type=oci,dest=${at('many.oci')}`); // biome-ignore format: one command line
    expect(said).toContain('linux/arm64: squashed 2 layers into 1: nothing to save, 8 B as before\n');
    const other = createSandbox({ env: { DOBOS_ROOT: at('other') } });
    try {
      const from = [
        '--cache-from',
        `type=local,src=${at('cache')}`,
        '-o',
        `type=oci,dest=${at('again.oci')}`,
      ];
      const again = await other.run(['build', ...scratch, ...platforms, ...from, context]);
      expect(again.stderr).toMatch(/: 0 of 6 steps ran/);
    } finally {
      await other.remove();
    }
    expect(readFileSync(at('again.oci')).equals(readFileSync(at('many.oci')))).toBe(true);
  });

  it('is what the command does afterwards, for any range, with the proof', async () => {
    await build('-t', 'whole');
    await build('-t', 'own', '--squash');
    const squash = async (...words: string[]) => {
      const { code, stdout, stderr } = await box.run(['squash', 'whole', ...words]);
      return { code, stdout, lines: stderr.trim().split('\n') };
    };
    const { stdout: own } = await box.run(['inspect', '--format', '{{.Id}}', 'own']);
    const { stdout: base } = await box.run(['inspect', '--format', '{{index .RootFS.Layers 2}}', 'whole']);
    for (const words of [['--last', '2'], ['--from-layer', '2'], ['--from-layer', 'base'], ['-f', base.trim()], ['-f', base.slice(7, 19)]])
      expect(await squash(...words, '-t', 'small'), words.join(' ')).toEqual({
        code: 0,
        stdout: own,
        lines: [
          'small:latest has 3 layers of 12 B, whole 4 layers of 18 B',
          'saved: 6 B of hidden files',
          'lost:  2 layers that other images may share',
          'same:  3 paths (2 files of 8 B) in content, mode, owner, time, attributes, hard links',
        ],
      });
    expect((await squash('--last', '1')).lines).toEqual([
      expect.stringMatching(/^nothing to squash: at most one layer was chosen; [0-9a-f]{12} is the image that whole is$/),
    ]);
    for (const [words, code, problem] of [
      [['--last', '5'], 1, 'cannot squash the last 5 layers: whole has 4 layers'],
      [['--from-layer', '4'], 1, 'cannot squash from layer 4 on: whole has 4 layers'],
      [['--from-layer', 'own'], 1, 'whole does not stand on own: its lowest layers are others'],
      [['--last', '0'], 2, '--last "0", want a number of layers'],
      [['--last', '1', '--from-layer', '1'], 2, '--last and --from-layer exclude each other'],
    ] as const) {
      const told = await squash(...words);
      expect([told.code, told.lines[0]], words.join(' ')).toEqual([code, expect.stringContaining(problem)]);
    }
    for (const name of ['whole', 'own', 'small']) await box.run(['rmi', name]);
  }); // biome-ignore format: rows

  it('leaves nothing in the store that a prune of images and cache would not take', async () => {
    for (const name of ['app', 'base', 'many']) await box.run(['rmi', name]);
    for (const words of [['image', 'prune', '-f'], ['builder', 'prune', '-f']]) {
      const { code, stderr } = await box.run(words);
      expect(code, stderr).toBe(0);
    } // biome-ignore format: a line
    expect(readdirSync(join(box.store, 'blobs/sha256'))).toEqual([]);
  });
});
