import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeLayout } from '../support/oci-layout.ts';
import { putTars } from '../support/put-tars.ts';
import { layerStacks } from '../support/random-layers.ts';
import { type RootfsAgent, startAgent, type View } from '../support/rootfs-agent.ts';
import { readableBuild, testUser } from '../support/test-user.ts';
import { type VectorEntry, vectorTar } from '../support/vector-tar.ts';

interface Vector {
  readonly name: string;
  readonly layers: readonly (readonly VectorEntry[])[];
  /** Why umoci shows something else, if it does. */
  readonly umoci?: string;
}

const RANDOM_STACKS = 60;

const vectors: readonly Vector[] = ['layer-vectors.json', 'layer-vectors-own.json'].flatMap((name) =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')),
);

/** cap_net_raw=ep, in version 2: no byte above 0x7f, so it survives as text. */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex').toString('latin1');

/** What an unpacked root shows besides the vectors: everything a tar can say of a file. */
const EVERYTHING: readonly (readonly VectorEntry[])[] = [
  [
    entry('dir', 'bin', { mode: 0o2755, gid: 3 }),
    entry('file', 'bin/su', { content: 'x', mode: 0o6755, xattrs: { 'user.a': 'b' } }),
    entry('file', 'bin/ping', { content: 'y', xattrs: { 'security.capability': CAPABILITY } }),
    entry('fifo', 'pipe', { mode: 0o600 }),
    entry('symlink', 'up', { target: '../../..' }),
    entry('file', 'old', { content: 'z', mtime: -5, uid: 1234, gid: 4321 }),
    entry('file', 'caf\u00e9 \udcff', { content: 'bytes' }),
    entry('hardlink', 'bin/doas', { target: 'bin/su' }),
    entry('dir', 'tmp', { mode: 0o1777 }),
  ],
  [entry('hardlink', 'tmp/su', { target: 'bin/doas' }), entry('file', 'up/new', { content: 'n' })],
];

describe.each(['trusted', 'whole', 'user'] as const)('roots of format %s', (format) => {
  let folder: string;
  let agent: RootfsAgent;
  let build: string | undefined;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-rootfs-'));
    let user: { uid: number; gid: number; build: string } | undefined;
    if (format === 'user') {
      build = readableBuild();
      user = { ...testUser(), build };
      chownSync(folder, user.uid, user.gid);
    }
    chmodSync(folder, 0o755);
    agent = startAgent({ storeFolder: join(folder, 'store'), format, user });
  });
  afterAll(async () => {
    // What subordinate ids own is removed by whoever has them.
    await agent.run('fs.rmSync(folder + "/snapshots", { recursive: true, force: true })');
    await agent.close();
    rmSync(folder, { recursive: true, force: true });
    if (build !== undefined) rmSync(build, { recursive: true, force: true });
  });

  let runs = 0;
  const compare = async (layers: readonly (readonly VectorEntry[])[]): Promise<void> => {
    const tars = layers.map((entries) => vectorTar(entries));
    const work = mkdtempSync(join(tmpdir(), 'dobos-umoci-'));
    try {
      writeLayout(join(work, 'layout'), tars);
      const bundle = join(work, `bundle${runs++}`);
      execFileSync('umoci', ['unpack', '--image', `${join(work, 'layout')}:t`, bundle], { stdio: 'pipe' });
      const mine = await agent.view(await putTars(agent, tars));
      const theirs = await viewAsRoot(join(bundle, 'rootfs'));
      expect(belowRoot(mine)).toEqual(belowRoot(theirs));
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  };

  for (const { name, layers, umoci } of vectors) {
    if (umoci === undefined) test(`${name} as umoci unpacks it`, () => compare(layers));
  }
  test('every kind of file and attribute as umoci unpacks it', () => compare(EVERYTHING));

  const seed = Number(process.env.DOBOS_SEED ?? Date.now() % 2 ** 31);
  test(`${RANDOM_STACKS} random stacks as umoci unpacks them (seed ${seed})`, async () => {
    await fc.assert(fc.asyncProperty(layerStacks, compare), { seed, numRuns: RANDOM_STACKS });
  }, 300_000);
});

let rootAgent: RootfsAgent | undefined;
let rootFolder: string;
afterAll(async () => {
  await rootAgent?.close();
  if (rootAgent !== undefined) rmSync(rootFolder, { recursive: true, force: true });
});

/** umoci's files are looked at by one who sees all owners. */
function viewAsRoot(path: string): Promise<View> {
  if (rootAgent === undefined) {
    rootFolder = mkdtempSync(join(tmpdir(), 'dobos-look-'));
    rootAgent = startAgent({ storeFolder: rootFolder });
  }
  return rootAgent.viewFolder(path);
}

/** The root directory's own attributes are unspecified (oci.md a.2 M6). */
function belowRoot(view: View): View {
  const { '': _root, ...rest } = view;
  return rest;
}

function entry(type: VectorEntry['type'], path: string, more: Partial<VectorEntry>): VectorEntry {
  return { type, path, tarPath: path, ...more };
}
